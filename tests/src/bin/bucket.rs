//! A store of the S3 kind with one empty bucket, until the end of the standard input: what `cargo xtask cluster` starts.
//!
//! The standard output has two lines: the bucket as `--blobs` takes it, and the file of its credentials.

#![allow(clippy::print_stdout, reason = "a program that says where it is")]

use std::io;

use tests::bucket::TestBucket;

#[tokio::main]
async fn main() -> io::Result<()> {
    let bucket = TestBucket::start().await;
    println!("{}\n{}", bucket.url(bucket.site()), bucket.credentials().display());
    // The system closes the input when the program that started this one ends, in whatever way.
    let ended = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    ended.await.map_err(io::Error::other)??;
    Ok(())
}
