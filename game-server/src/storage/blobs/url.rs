//! Where a bucket is.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The region of a store that has none of its own. Signatures name one in any case.
const REGION: &str = "us-east-1";

/// The address of a bucket: `s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION&style=path|host]`. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    /// The bucket's name.
    pub(super) bucket: String,
    /// What the keys of all objects begin with. Empty: nothing.
    pub(super) prefix: String,
    /// The store's address. `None`: Amazon's.
    pub(super) endpoint: Option<Url>,
    /// The region.
    pub(super) region: String,
    /// Whether the bucket's name is a part of the host and not of the path.
    pub(super) is_in_host: bool,
}

/// Why an address is none of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBucketUrl {
    /// It has another form.
    #[error("a bucket is s3://BUCKET, s3://BUCKET/PREFIX, or one of them with ?endpoint=URL")]
    Form,
    /// It contains a user or a password.
    #[error("credentials stand in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not in the address")]
    Credentials,
    /// The endpoint is none.
    #[error("the endpoint of a bucket is an http:// or https:// address")]
    Endpoint,
    /// The style is unknown.
    #[error("the style of a bucket is `path` or `host`")]
    Style,
    /// A word after the question mark is unknown.
    #[error("a bucket's address may have endpoint, region and style after the question mark")]
    Setting,
}

impl FromStr for BucketUrl {
    type Err = BadBucketUrl;

    fn from_str(text: &str) -> Result<Self, BadBucketUrl> {
        let url = Url::parse(text).or(Err(BadBucketUrl::Form))?;
        if has_credentials(&url) {
            return Err(BadBucketUrl::Credentials);
        }
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
        let (Some(bucket), "s3", None, None) = (bucket, url.scheme(), url.port(), url.fragment())
        else {
            return Err(BadBucketUrl::Form);
        };
        let mut found = Self {
            bucket: bucket.to_owned(),
            prefix: url.path().trim_matches('/').to_owned(),
            endpoint: None,
            region: REGION.to_owned(),
            is_in_host: false,
        };
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "endpoint" => found.endpoint = Some(endpoint(&value)?),
                "region" => found.region = value.into_owned(),
                "style" => found.is_in_host = is_in_host(&value)?,
                _ => return Err(BadBucketUrl::Setting),
            }
        }
        Ok(found)
    }
}

fn endpoint(text: &str) -> Result<Url, BadBucketUrl> {
    let url = Url::parse(text).or(Err(BadBucketUrl::Endpoint))?;
    if has_credentials(&url) {
        return Err(BadBucketUrl::Credentials);
    }
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_http { Ok(url) } else { Err(BadBucketUrl::Endpoint) }
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_in_host(style: &str) -> Result<bool, BadBucketUrl> {
    match style {
        "path" => Ok(false),
        "host" => Ok(true),
        _ => Err(BadBucketUrl::Style),
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match self.prefix.as_str() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadBucketUrl, BucketUrl};

    #[test]
    fn a_bucket_is_named_with_its_store() {
        let amazon: BucketUrl = "s3://replays".parse().unwrap();
        assert_eq!((amazon.bucket.as_str(), amazon.prefix.as_str()), ("replays", ""));
        assert_eq!((amazon.endpoint, amazon.region.as_str()), (None, "us-east-1"));

        let own = "s3://games/pushback/eu/?endpoint=http://127.0.0.1:9000&region=local&style=host";
        let own: BucketUrl = own.parse().unwrap();
        assert_eq!((own.prefix.as_str(), own.region.as_str()), ("pushback/eu", "local"));
        assert_eq!(own.endpoint.as_ref().map(url::Url::as_str), Some("http://127.0.0.1:9000/"));
        assert!(own.is_in_host);
        assert_eq!(own.to_string(), "s3://games/pushback/eu");
    }

    #[test]
    fn what_is_no_bucket_is_refused_with_the_reason() {
        for (text, reason) in [
            ("replays", BadBucketUrl::Form),
            ("https://replays", BadBucketUrl::Form),
            ("s3:///replays", BadBucketUrl::Form),
            ("s3://replays:9000", BadBucketUrl::Form),
            ("s3://ada:secret@replays", BadBucketUrl::Credentials),
            ("s3://replays?endpoint=http://ada:secret@store", BadBucketUrl::Credentials),
            ("s3://replays?endpoint=store:9000", BadBucketUrl::Endpoint),
            ("s3://replays?style=virtual", BadBucketUrl::Style),
            ("s3://replays?access_key=secret", BadBucketUrl::Setting),
        ] {
            assert_eq!(text.parse::<BucketUrl>(), Err(reason), "{text}");
            assert!(!reason.to_string().contains("secret"));
        }
    }
}
