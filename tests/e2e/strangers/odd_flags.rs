//! Numbers that no operator means.

use tests::server::refused_start;

const PLAIN: &str = r#"exec "$0" "$@""#;

#[tokio::test]
async fn a_number_outside_its_range_is_refused_before_anything_is_opened() {
    let mut odd: Vec<_> =
        ["nan", "inf", "1e300", "0", "-1", ""].map(|value| ("write-stall-seconds", value)).into();
    odd.extend([
        ("rooms-max", "0"),
        ("connections-max", "0"),
        ("connections-per-address-max", "99999999999"),
        ("sessions-per-minute", "0"),
        ("replay-days", "0"),
        ("round-seconds", "0"),
        ("summary-seconds", "4000000000"),
        ("lab-interval-ms", "0"),
        ("bots-fill-after-ms", "18446744073709551615"),
        ("crowd-snapshot-bytes-max", "1"),
    ]);
    for (flag, value) in odd {
        let refused = refused_start(PLAIN, &[&format!("--{flag}={value}")]).await;

        assert_eq!(refused.code, Some(2), "--{flag}={value}: {}", refused.log);
        assert!(refused.log.contains(&format!("--{flag}")), "{}", refused.log);
        assert!(!refused.has_data, "--{flag}={value} opened the data folder");
    }
}
