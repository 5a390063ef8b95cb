//! The promise of a feed: a reader that resumes anywhere loses no event and gets none twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use shared::feed::{Cursor, Envelope};

use super::{Event, Feed, FeedLimits, Gone, Source as _};
use crate::drain::SHARES;
use crate::feeds::long_poll;
use crate::feeds::numbers::Numbers;
use crate::feeds::reader::{Next, Reader, Start};
use crate::metrics::Gauge;

const WAIT: Duration = Duration::from_secs(55);

fn feed(events_max: usize) -> Arc<Feed<Numbers>> {
    let limits = FeedLimits { events_max, ..FeedLimits::default() };
    Arc::new(Feed::new("numbers", Numbers::default(), limits))
}

/// The number of the next event.
async fn next_number(reader: &mut Reader) -> u64 {
    let next = reader.next().await;
    let Some(Next::Event(event)) = next else { panic!("{next:?}") };
    event.cursor.sequence
}

fn envelope(event: &Event) -> Envelope<Value> {
    serde_json::from_str(&event.text()).unwrap()
}

/// A client that applies what it receives.
#[derive(Default)]
struct Client {
    cursor: Option<Cursor>,
    seen: Vec<u64>,
    resets: usize,
}

impl Client {
    fn take(&mut self, event: &Event) {
        let envelope = envelope(event);
        match envelope.kind.as_str() {
            "number" => self.seen.push(envelope.data.as_u64().unwrap()),
            kind => {
                self.resets += usize::from(kind == "reset");
                self.seen = serde_json::from_value(envelope.data).unwrap();
            }
        }
        self.cursor = Some(envelope.id);
    }

    fn start(&self) -> Start {
        self.cursor.map_or(Start::Snapshot, Start::After)
    }
}

/// Random publishing, reading and reconnecting: the client always has a prefix of the published events, and at the end
/// all of them.
#[test]
fn any_interleaving_leaves_no_gap_and_no_double() {
    for seed in 0..2_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let feed = feed(rng.random_range(1..50));
        let (mut client, mut published) = (Client::default(), 0);
        let mut reader = Reader::open(feed.clone(), client.start());

        for _ in 0..rng.random_range(1..60) {
            match rng.random_range(0..4) {
                0 => reader = Reader::open(feed.clone(), client.start()),
                1 => {
                    for _ in 0..rng.random_range(1..80) {
                        feed.publish(published);
                        published += 1;
                    }
                }
                _ => {
                    for _ in 0..rng.random_range(1..40) {
                        reader.next_ready().inspect(|event| client.take(event));
                    }
                    assert!(client.seen.iter().copied().eq(0..client.seen.len() as u64));
                }
            }
        }

        while let Some(event) = reader.next_ready() {
            client.take(&event);
        }
        assert!(client.seen.iter().copied().eq(0..published), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnecting_clients_keep_up_with_a_busy_publisher() {
    let feed = feed(512);
    let readers: Vec<_> = (0..100)
        .map(|seed| {
            let feed = feed.clone();
            tokio::spawn(async move {
                let mut rng = StdRng::seed_from_u64(seed);
                let mut client = Client::default();
                'connections: loop {
                    let mut reader = Reader::open(feed.clone(), client.start());
                    for _ in 0..rng.random_range(1..20) {
                        let Some(Next::Event(event)) = reader.next().await else {
                            break 'connections;
                        };
                        client.take(&event);
                    }
                }
                client
            })
        })
        .collect();

    for number in 0..3_000 {
        feed.publish(number);
        tokio::task::yield_now().await;
    }
    feed.close();

    for reader in readers {
        assert!(reader.await.unwrap().seen.into_iter().eq(0..3_000));
    }
}

#[test]
fn the_three_forms_carry_the_same_envelope() {
    let feed = feed(8);

    let cursor = feed.publish(5);
    let before = Cursor { sequence: 0, ..cursor };
    let event = feed.after(before, 8).unwrap().remove(0);

    let text = event.text().to_string();
    assert_eq!(event.line(), format!("{text}\n"));
    assert_eq!(event.sse(), format!("id: {cursor}\nevent: number\ndata: {text}\n\n"));
    assert_eq!(envelope(&event).data, 5);
}

#[test]
fn a_place_that_is_not_in_the_log_is_gone() {
    let feed = feed(2);
    let first = feed.publish(1);
    assert!(feed.after(Cursor { sequence: 0, ..first }, 9).is_ok());

    feed.publish(2);
    feed.publish(3);

    assert_eq!(feed.after(first, 9).unwrap().len(), 2);
    assert_eq!(feed.after(Cursor { sequence: 0, ..first }, 9).unwrap_err(), Gone);
    assert_eq!(feed.after(Cursor { sequence: 4, ..first }, 9).unwrap_err(), Gone);
    assert_eq!(feed.after(Cursor { epoch: !first.epoch, ..first }, 9).unwrap_err(), Gone);
}

#[tokio::test]
async fn every_reader_is_told_once_that_the_log_is_late_and_once_that_it_is_not() {
    let feed = feed(8);
    let mut reader = Reader::open(feed.clone(), Start::After(feed.publish(1)));
    assert!(reader.next().now_or_never().is_none());

    feed.set_late(1_000);
    feed.set_late(2_000);
    feed.publish(2);
    let mut late = Reader::open(feed.clone(), Start::Snapshot);
    assert!(matches!(reader.next().now_or_never(), Some(Some(Next::Event(_)))));
    assert!(matches!(reader.next().now_or_never(), Some(Some(Next::Lateness))));
    assert_eq!(reader.late_since_ms(), Some(1_000), "the first time stays");
    assert!(reader.next().now_or_never().is_none());
    // A stream begins with a heartbeat, which has it.
    assert!(late.next_ready().is_some());
    assert_eq!(late.late_since_ms(), Some(1_000));
    assert!(late.next().now_or_never().is_none());
    let beat = envelope(&Event::heartbeat(late.cursor(), Some(1_000), Duration::from_secs(15)));
    assert_eq!(beat.data["late_since_ms"], 1_000);

    feed.set_current();
    feed.set_current();
    for reader in [&mut reader, &mut late] {
        assert!(matches!(reader.next().now_or_never(), Some(Some(Next::Lateness))));
        assert_eq!(reader.late_since_ms(), None);
        assert!(reader.next().now_or_never().is_none());
    }
    let beat = envelope(&Event::heartbeat(late.cursor(), None, Duration::from_secs(15)));
    assert_eq!(beat.data.get("late_since_ms"), None);
}

#[test]
fn the_log_is_bounded_by_bytes_too() {
    let limits = FeedLimits { events_max: usize::MAX, bytes_max: 1_000 };
    let feed = Feed::new("numbers", Numbers::default(), limits);

    for number in 0..1_000 {
        feed.publish(number);
    }

    let log = crate::sync::lock(&feed.log);
    assert!(log.bytes <= 1_000 && !log.events.is_empty());
    assert_eq!(log.bytes, log.events.iter().map(|event| event.sse.len()).sum::<usize>());
}

#[test]
fn a_state_put_in_place_reaches_every_reader_as_a_reset() {
    let feed = feed(100);
    let before = [feed.publish(1), feed.publish(2)];
    let mut reader = Reader::open(feed.clone(), Start::After(before[1]));
    assert!(reader.next_ready().is_none());

    feed.replace(Numbers(vec![7]));
    feed.publish(8);

    let mut client = Client::default();
    while let Some(event) = reader.next_ready() {
        client.take(&event);
    }
    assert_eq!((client.seen, client.resets), (vec![7, 8], 1));
    assert!(before.iter().all(|place| feed.after(*place, 9).is_err()));
}

#[tokio::test]
async fn a_stream_ends_in_its_share_after_what_is_in_the_log_and_a_later_one_goes_on() {
    let feed = feed(8);
    let mut reader = Reader::open(feed.clone(), Start::Snapshot);
    assert_eq!(next_number(&mut reader).await, 0);
    feed.end_shares(0);
    assert!(reader.next().now_or_never().is_none());

    feed.publish(5);
    feed.end_shares(SHARES);

    assert_eq!(next_number(&mut reader).await, 1);
    assert!(reader.next().await.is_none());
    let gauge = Gauge::default();
    let waited = long_poll::answer(feed.clone(), reader.cursor(), WAIT, &gauge);
    assert!(waited.now_or_never().is_none(), "it began after the last share");
    let mut later = Reader::open(feed.clone(), Start::After(reader.cursor()));
    assert!(later.next().now_or_never().is_none());
    feed.publish(6);
    assert_eq!(next_number(&mut later).await, 2);
}

#[tokio::test]
async fn a_long_poll_is_answered_when_its_share_or_every_stream_is_ended() {
    let ends: [fn(&Feed<Numbers>); 2] = [|feed| feed.end_shares(SHARES), Feed::end_streams];
    for end in ends {
        let feed = feed(8);
        let gauge = Gauge::default();
        let mut waiting = Box::pin(long_poll::answer(feed.clone(), feed.position(), WAIT, &gauge));
        assert!(waiting.as_mut().now_or_never().is_none());

        end(&feed);

        let answer = waiting.now_or_never().expect("an answer at once");
        assert_eq!(answer.unwrap().status(), 204);
        let later = long_poll::answer(feed.clone(), feed.position(), WAIT, &gauge);
        assert!(later.now_or_never().is_none(), "one that begins later waits");
    }
}

#[tokio::test]
async fn every_stream_ends_after_what_is_in_the_log_and_a_later_one_goes_on() {
    let feed = feed(8);
    let mut reader = Reader::open(feed.clone(), Start::Snapshot);
    feed.publish(5);

    feed.end_streams();

    assert_eq!([next_number(&mut reader).await, next_number(&mut reader).await], [0, 1]);
    assert!(reader.next().await.is_none());
    let mut later = Reader::open(feed.clone(), Start::After(reader.cursor()));
    assert!(later.next().now_or_never().is_none());
}
