//! A page without the lobby: a refusal that a browser shows to a person.

/// A page with a title and a sentence. Both are plain text.
#[must_use]
pub(crate) fn plain_page(title: &str, sentence: &str) -> String {
    let (title, sentence) = (escaped(title), escaped(sentence));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>body {{ font: 1.1em/1.6 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em }}</style>\n\
         <h1>{title}</h1>\n<p>{sentence}</p>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::plain_page;

    #[test]
    fn what_a_request_says_is_no_markup() {
        let page = plain_page("No", "Not <script>alert(1)</script> & not \"this\".");

        assert!(
            page.contains("Not &lt;script&gt;alert(1)&lt;/script&gt; &amp; not &quot;this&quot;.")
        );
    }
}
