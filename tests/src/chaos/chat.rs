//! Writers of chat on all nodes. Each says one line after the other, again until it is acknowledged, and reads what all say.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use shared::api::WebSocketTicket;
use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine, ChatServerMessage};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::call::{Answered, post};
use super::ledger::{Ledger, NO_DOUBLE, NO_GAP};
use super::players::sign_in;
use super::world::World;
use crate::chat::ChatSocket;
use crate::guest::Guest;
use crate::socket::Closed;

/// Writers on each node.
const WRITERS_EACH: usize = 2;
/// The time between two lines of a writer: a player may say one every second and a half.
const LINE_EVERY: Duration = Duration::from_millis(1_600);
/// A line is said again when no answer comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// The pause after a connection that could not be opened.
const PAUSE: Duration = Duration::from_millis(200);
/// For the lines that others have said in the end.
const HEARD_WITHIN: Duration = Duration::from_secs(20);

const HEARS_ALL: &str = "a reader of the chat hears every acknowledged line";

/// A line and its number, once a node has told it to its author.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) sequence: Option<u64>,
}

/// What all writers have said and heard.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) said: Vec<Said>,
    pub(super) heard: Vec<(u64, String)>,
}

/// How far all writers have come.
#[derive(Debug, Default)]
struct Ended {
    /// Those who have said their last line.
    writers: usize,
    /// The number of the last line of all.
    last: u64,
}

/// All writers.
pub(super) struct Writers {
    tasks: JoinSet<Talk>,
}

impl Writers {
    pub(super) fn start(world: &World) -> Self {
        let ledger = Arc::new(Ledger::default());
        let ended = watch::Sender::default();
        let mut tasks = JoinSet::new();
        for number in 0..world.nodes.len() * WRITERS_EACH {
            tasks.spawn(Writer::run(world.clone(), number, ledger.clone(), ended.clone()));
        }
        Self { tasks }
    }

    /// Waits until every line was acknowledged.
    pub(super) async fn end(mut self) -> Talk {
        let mut talk = Talk::default();
        while let Some(ended) = self.tasks.join_next().await {
            // A panic is a finding already.
            let Ok(Talk { said, heard }) = ended else { continue };
            talk.said.extend(said);
            talk.heard.extend(heard);
        }
        talk
    }
}

struct Writer {
    world: World,
    name: String,
    guest: Guest,
    /// The node that it is connected to, by number.
    at: usize,
    nonce: u32,
    /// The number of the last line that was heard.
    last: Option<u64>,
    ledger: Arc<Ledger>,
    ended: watch::Sender<Ended>,
    has_ended: bool,
    talk: Talk,
}

impl Writer {
    async fn run(
        world: World,
        number: usize,
        ledger: Arc<Ledger>,
        ended: watch::Sender<Ended>,
    ) -> Talk {
        let name = format!("writer{number}");
        let guest = sign_in(&world, &name).await;
        let (at, talk) = (number % world.nodes.len(), Talk::default());
        let (nonce, last, has_ended) = (0, None, false);
        let mut writer =
            Self { world, name, guest, at, nonce, last, ledger, ended, has_ended, talk };
        loop {
            match writer.connect().await {
                Ok(mut chat) => match writer.talk_over(&mut chat).await {
                    Ok(()) => return writer.talk,
                    Err(_) => writer.world.findings.count("chat connections that ended", 1),
                },
                Err(_) => sleep(PAUSE).await,
            }
            writer.at += 1;
        }
    }

    async fn connect(&mut self) -> Result<ChatSocket> {
        let node = &self.world.nodes[self.at % self.world.nodes.len()];
        let asking = post(node, "/api/chat/tickets", self.guest.token(), &());
        let ticket: WebSocketTicket = match asking.await? {
            Answered::Done(ticket) => ticket,
            other => bail!("no ticket: {other:?}"),
        };
        let after = self.last.map(|last| format!("&after={last}")).unwrap_or_default();
        let path = format!("{}{after}", ticket.url);
        let chat = timeout(ANSWER_WITHIN, ChatSocket::open(node.address(), &path)).await??;
        // Away for long: the lines between are in the database alone.
        if chat.has_gap {
            self.last = None;
        }
        for line in chat.greeting.clone() {
            self.hear(&line);
        }
        Ok(chat)
    }

    /// Says lines until nothing is broken any more and the last line was acknowledged. Fails when the connection ends.
    async fn talk_over(&mut self, chat: &mut ChatSocket) -> Result<()> {
        loop {
            let is_said = self.talk.said.last().is_none_or(|said| said.sequence.is_some());
            if is_said {
                if self.world.ending.is_cancelled() {
                    return self.hear_all(chat).await;
                }
                self.nonce += 1;
                let text = format!("{} says {}", self.name, self.nonce);
                self.talk.said.push(Said { text, sequence: None });
            }
            let next_at = Instant::now() + LINE_EVERY;
            self.say(chat).await?;
            self.listen(chat, next_at).await?;
        }
    }

    /// Says the last line, and waits for the answer.
    async fn say(&mut self, chat: &mut ChatSocket) -> Result<()> {
        let (nonce, until) = (self.nonce, Instant::now() + ANSWER_WITHIN);
        let text = self.talk.said.last().map(|said| said.text.clone()).unwrap_or_default();
        chat.send(&ChatClientMessage::Say { channel: ChatChannel::Lobby, text, nonce }).await;
        loop {
            match tokio::time::timeout_at(until, chat.next()).await? {
                Ok(ChatServerMessage::Line(line)) => {
                    self.hear(&line);
                    if line.from == self.guest.id() && line.nonce == Some(nonce) {
                        if let Some(said) = self.talk.said.last_mut() {
                            said.sequence = Some(line.sequence);
                        }
                        return Ok(());
                    }
                }
                Ok(ChatServerMessage::Refused { nonce: refused, .. }) if refused == nonce => {
                    self.world.findings.count("chat lines refused, and said again", 1);
                    return Ok(());
                }
                Ok(_) => {}
                Err(closed) => bail!("closed: {closed:?}"),
            }
        }
    }

    /// Listens until all writers have said everything, and all of it was heard.
    async fn hear_all(&mut self, chat: &mut ChatSocket) -> Result<()> {
        if !std::mem::replace(&mut self.has_ended, true) {
            let said = self.talk.said.last().and_then(|said| said.sequence).unwrap_or_default();
            self.ended.send_modify(|ended| {
                ended.writers += 1;
                ended.last = ended.last.max(said);
            });
        }
        let writers = self.world.nodes.len() * WRITERS_EACH;
        let mut ended = self.ended.subscribe();
        let all = async { ended.wait_for(|ended| ended.writers == writers).await.map(|e| e.last) };
        let mut all = std::pin::pin!(all);
        let wanted = loop {
            tokio::select! {
                // This writer holds the other end.
                last = &mut all => break last?,
                message = chat.next() => self.note(message)?,
            }
        };
        let until = Instant::now() + HEARD_WITHIN;
        while self.last.unwrap_or_default() < wanted {
            match tokio::time::timeout_at(until, chat.next()).await {
                Ok(message) => self.note(message)?,
                Err(_) => {
                    let detail = format!("{} heard up to {:?} of {wanted}", self.name, self.last);
                    self.world.findings.broke(HEARS_ALL, &detail);
                    break;
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, message: Result<ChatServerMessage, Closed>) -> Result<()> {
        match message {
            Ok(ChatServerMessage::Line(line)) => self.hear(&line),
            Ok(_) => {}
            Err(closed) => bail!("closed: {closed:?}"),
        }
        Ok(())
    }

    async fn listen(&mut self, chat: &mut ChatSocket, until: Instant) -> Result<()> {
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                message = chat.next() => self.note(message)?,
            }
        }
    }

    fn hear(&mut self, line: &ChatLine) {
        let findings = &self.world.findings;
        let detail = || format!("chat of {}: after {:?} comes {line:?}", self.name, self.last);
        match self.last {
            // The answer to a line that was said again over another connection is that line once more, to its author alone.
            Some(last) if line.sequence <= last => {
                if line.nonce.is_none() {
                    findings.broke(NO_DOUBLE, &detail());
                }
                return;
            }
            Some(last) if line.sequence > last + 1 => findings.broke(NO_GAP, &detail()),
            _ => {}
        }
        self.last = Some(line.sequence);
        if let Err((promise, detail)) = self.ledger.note(0, line.sequence, &line.text) {
            findings.broke(promise, &detail);
        }
        self.talk.heard.push((line.sequence, line.text.clone()));
    }
}
