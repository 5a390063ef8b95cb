//! The way of lines into the log, whatever the store answers.

use std::time::Duration;

use shared::protocol::chat::{ChatChannel, ChatLine, ChatRefusal};

use super::{Chat, Guest, line};
use crate::chat::archive::Kept;
use crate::chat::hub::Unread;
use crate::chat::hub::saying::{LINES_AT_ONCE, REST_MAX};
use crate::cluster::exchange::Exchange;
use crate::storage::ChatLog as _;

#[tokio::test]
async fn a_line_whose_number_is_taken_gets_the_next_one_and_everyone_hears_both() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;
    // Kept before the store failed, say.
    chat.store.add_lines(vec![line(1, ChatChannel::Lobby, "half said")]).await.unwrap();

    chat.say(&ada, ChatChannel::Lobby, "said").await;

    for guest in [&mut ada, &mut bob] {
        let heard = [guest.heard_line().unwrap(), guest.heard_line().unwrap()];
        assert_eq!(heard.map(|line| line.text), ["half said", "said"]);
    }
}

#[tokio::test]
async fn lines_whose_answer_was_lost_are_sent_if_they_are_kept_and_written_again_if_not() {
    for is_kept in [true, false] {
        let mut chat = Chat::open().await;
        let (mut ada, _) = chat.join(1, None).await;
        let (mut bob, _) = chat.join(2, None).await;
        for text in ["one", "two"] {
            chat.begin_to_say(&ada, ChatChannel::Lobby, text).await;
        }

        let lines = chat.hub.next_lines();
        assert_eq!(lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2]);
        if is_kept {
            chat.store.add_lines(lines).await.unwrap();
        }
        chat.hub.note_kept(Kept::Unknown);
        chat.say(&ada, ChatChannel::Lobby, "three").await;

        for (sequence, text) in (1..).zip(["one", "two", "three"]) {
            let own = ada.heard_line().unwrap();
            assert_eq!((own.sequence, own.text.as_str(), own.nonce), (sequence, text, Some(7)));
            assert_eq!(bob.heard_line().unwrap(), ChatLine { nonce: None, ..own });
        }
        assert_eq!((ada.heard(), bob.heard()), (None, None));
        assert_eq!(chat.store.last_sequence().await.unwrap(), 3);
    }
}

#[tokio::test]
async fn all_lines_that_wait_are_written_together_up_to_a_limit() {
    let mut chat = Chat::open().await;
    let (ada, _) = chat.join(1, None).await;
    for number in 0..=LINES_AT_ONCE {
        chat.hub.speakers.clear();
        chat.begin_to_say(&ada, ChatChannel::Lobby, &format!("line {number}")).await;
    }

    for (first, count) in [(1, LINES_AT_ONCE), (LINES_AT_ONCE as u64 + 1, 1)] {
        let lines = chat.hub.next_lines();
        let numbers: Vec<_> = lines.iter().map(|line| line.sequence).collect();
        assert_eq!(numbers, (first..first + count as u64).collect::<Vec<_>>());
        chat.hub.note_kept(Kept::Yes);
    }
}

#[tokio::test]
async fn after_its_lines_a_node_leaves_the_others_a_turn_and_a_server_that_is_alone_does_not() {
    for is_alone in [true, false] {
        let other = Exchange::new().post();
        let mut chat = if is_alone { Chat::open().await } else { Chat::open_with(other).await };
        let (ada, _) = chat.join(1, None).await;
        chat.begin_to_say(&ada, ChatChannel::Lobby, "one").await;
        let lines = chat.hub.next_lines();
        chat.hub.archive().keep(lines).await;
        chat.hub.note_kept(Kept::Yes);
        assert_eq!(chat.hub.next_rest(), None, "nothing waits for it");

        chat.begin_to_say(&ada, ChatChannel::Lobby, "two").await;
        chat.hub.next_lines();
        // This took long.
        chat.hub.began_to_write -= Duration::from_secs(60);
        chat.begin_to_say(&ada, ChatChannel::Lobby, "three").await;
        chat.hub.note_kept(Kept::Yes);

        let rest = chat.hub.next_rest();
        assert_eq!(rest.is_none(), is_alone, "{rest:?}");
        assert!(rest.is_none_or(|rest| rest <= REST_MAX));
    }
}

#[tokio::test]
async fn an_author_hears_a_refused_line_that_was_kept_after_all_and_the_next_one_once() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;
    for guest in [&ada, &bob] {
        chat.begin_to_say(guest, ChatChannel::Lobby, "hello").await;
    }
    let lines = chat.hub.next_lines();
    chat.hub.note_kept(Kept::Unknown);
    // The first one has waited for too long. The second is written again, under the first one's number.
    chat.hub.waiting[0].since -= Duration::from_secs(60);
    chat.hub.refuse_overdue();
    assert_eq!(ada.refusal(), Some(ChatRefusal::Failed));
    chat.hub.unread = Unread::default();
    assert_eq!(chat.hub.next_lines().len(), 1);
    chat.store.add_lines(lines).await.unwrap();
    chat.hub.note_kept(Kept::Taken);

    chat.work().await;

    let numbers = |guest: &mut Guest| [1, 2].map(|_| guest.heard_line().unwrap().sequence);
    assert_eq!((numbers(&mut ada), numbers(&mut bob)), ([1, 2], [1, 2]));
    assert_eq!((ada.heard(), bob.heard()), (None, None));
}

#[tokio::test]
async fn nobody_waits_for_a_line_that_is_being_written() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    chat.begin_to_say(&ada, ChatChannel::Lobby, "slow").await;
    let slow = chat.hub.next_lines();

    // The store takes its time. Others come, read, are refused and leave; the next line waits for its turn.
    let (mut bob, lines) = chat.join(2, None).await;
    assert_eq!(lines, []);
    chat.begin_to_say(&bob, ChatChannel::Lobby, "").await;
    assert_eq!(bob.refusal(), Some(ChatRefusal::Empty));
    chat.begin_to_say(&bob, ChatChannel::Lobby, "behind").await;
    assert_eq!(chat.hub.next_lines(), []);

    chat.store.add_lines(slow).await.unwrap();
    chat.hub.note_kept(Kept::Yes);
    assert_eq!(
        (bob.heard_line().unwrap().text.as_str(), ada.heard_line().unwrap().sequence),
        ("slow", 1)
    );
    assert_eq!(chat.hub.next_lines()[0].sequence, 2);
    chat.hub.note_kept(Kept::No);
    assert_eq!(bob.refusal(), Some(ChatRefusal::Failed));
}
