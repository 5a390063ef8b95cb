//! The names under which a browser finds the lobby's parts.

/// Replaces a file's name wherever it stands as a whole name, not as a part of a longer one.
pub(super) fn rename(text: &str, from: &str, to: &str) -> String {
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let whole = !before.ends_with(is_name) && !after.starts_with(is_name);
        renamed.push_str(before);
        renamed.push_str(if whole { to } else { from });
        rest = after;
    }
    renamed.push_str(rest);
    renamed
}

/// `app.js` with the content hash `1f…` becomes `app-1f….js`.
pub(super) fn hashed_name(name: &str, hash: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{name}-{hash}"),
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_refers_to_the_renamed_files() {
        let page = r#"<link rel="modulepreload" href="/app.js">
            <script type="module">import init from "/app.js"; init("/app_bg.wasm");</script>"#;

        let page = rename(&rename(page, "app_bg.wasm", "app_bg-22.wasm"), "app.js", "app-11.js");

        assert_eq!(
            page,
            r#"<link rel="modulepreload" href="/app-11.js">
            <script type="module">import init from "/app-11.js"; init("/app_bg-22.wasm");</script>"#
        );
    }

    #[test]
    fn a_longer_name_is_left_alone() {
        let page = "/myapp.js /app.json /app.js.map app.js";

        assert_eq!(
            rename(page, "app.js", "app-1.js"),
            "/myapp.js /app.json /app-1.js.map app-1.js"
        );
    }

    #[test]
    fn the_hash_stands_before_the_extension() {
        assert_eq!(hashed_name("app_bg.wasm", "ab12"), "app_bg-ab12.wasm");
        assert_eq!(hashed_name("LICENSE", "ab12"), "LICENSE-ab12");
    }
}
