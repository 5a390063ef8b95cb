//! Schemas of the values that are written as text, which no derive can know.
//!
//! Built only with the feature `openapi`, which the server switches on to describe its API. Clients do without.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::api::ProblemKind;
use crate::feed::Cursor;
use crate::id::{NAME_CHARS_MAX, NAME_CHARS_MIN, PlayerId, PlayerName, ReplayId, RoomId};
use crate::invitation::{InvitationSecret, RoomAddress};
use crate::protocol::chat::LINE_CHARS_MAX;

/// One letter of Crockford's base 32, in which ids are written.
const BASE32_LETTER: &str = "[0-9A-HJKMNP-TV-Z]";
/// A [`Cursor`] as it is written.
const CURSOR_PATTERN: &str = "^[0-9a-f]{1,16}-[0-9]{1,19}$";
/// 128 bits in the letters of base64url.
const TOKEN_PATTERN: &str = "^[A-Za-z0-9_-]{22}$";

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .examples([example])
}

fn id(digits: usize, description: &str, example: &str) -> Object {
    text(description, example).pattern(Some(format!("^{BASE32_LETTER}{{{digits}}}$"))).build()
}

/// Gives a type a schema, which is an expression.
macro_rules! schema {
    ($name:ident, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

schema!(PlayerId, id(Self::DIGITS, "A guest or a bot. Case does not matter.", "4T9Q2ZC7M1KD"));
schema!(
    RoomId,
    id(Self::DIGITS, "A room, and the code that finds it. Case does not matter.", "7Q2M4K")
);
schema!(
    RoomAddress,
    text(
        "A room's address: its id and, in a private room, a hyphen and the secret of its invitation. Case does not matter.",
        "7Q2M4K-3M9C8R5T1W7XZ"
    )
    .pattern(Some(format!(
        "^{BASE32_LETTER}{{{}}}(?:-[0-9A-F]{BASE32_LETTER}{{{}}})?$",
        RoomId::DIGITS,
        InvitationSecret::DIGITS - 1
    )))
    .build()
);
schema!(
    ReplayId,
    id(Self::DIGITS, "A recorded round. Ids sort by time. Case does not matter.", "06E6HQ9GZ4TX")
);
schema!(PlayerName, player_name());
schema!(
    Cursor,
    text(
        "A place in a feed, `EPOCH-SEQUENCE`: the id of the last event that the client has.",
        "9f3c51d2a07be846-17"
    )
    .pattern(Some(CURSOR_PATTERN))
    .build()
);
schema!(ProblemKind, problem_kind());

/// A [`PlayerName`].
fn player_name() -> Object {
    text("A display name.", "Ada")
        .min_length(Some(NAME_CHARS_MIN))
        .max_length(Some(NAME_CHARS_MAX))
        .build()
}

/// A text that may become a [`PlayerName`]. No pattern says what a script is, and the server counts after normalisation.
pub(crate) fn chosen_name() -> Object {
    let description = "A display name of 2 to 16 letters and digits of any script, with single spaces or one of \
        `- _ . '` between them. The server refuses others with the reason.";
    text(description, "Ada").min_length(Some(NAME_CHARS_MIN)).build()
}

/// The `type` of a problem.
fn problem_kind() -> Object {
    text("Why a request was refused. A reason never changes its type.", ProblemKind::NotFound.uri())
        .format(Some(SchemaFormat::Custom("uri-reference".to_owned())))
        .enum_values(Some(ProblemKind::ALL.map(ProblemKind::uri)))
        .build()
}

/// The token of a session, a ticket or a device-link code.
pub(crate) fn token() -> Object {
    text("128 random bits in the letters of base64url.", "x0ZvYq3Jk8wN5tRr1LbM2A")
        .pattern(Some(TOKEN_PATTERN))
        .build()
}

/// A line of chat.
pub(crate) fn chat_text() -> Object {
    text("The text of the line.", "Good game!")
        .min_length(Some(1))
        .max_length(Some(LINE_CHARS_MAX))
        .build()
}

/// A number that matches an answer to its request.
pub(crate) fn nonce() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("A number of the sender's choice. The answer repeats it."))
        .minimum(Some(u32::MIN))
        .maximum(Some(u32::MAX))
        .build()
}

/// The leader of a room and the leader's points, or `null`.
pub(crate) fn leader() -> Schema {
    let points = ObjectBuilder::new().schema_type(Type::Integer).description(Some("The points."));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .description(Some("The leader and the leader's points. `null` while no round runs."))
        .prefix_items([player_name(), points.build()])
        .min_items(Some(2))
        .max_items(Some(2))
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use crate::api::{ScoreRow, Scoreboard};
    use crate::id::PlayerId;
    use crate::sim::Mode;

    fn schema_of<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn numbers_in_attributes_equal_the_constants() {
        assert_eq!(
            schema_of::<Scoreboard>()["properties"]["rows"]["maxItems"],
            Scoreboard::ROWS_MAX
        );
    }

    #[test]
    fn words_and_patterns_are_those_on_the_wire() {
        assert_eq!(schema_of::<Mode>()["enum"], serde_json::to_value(Mode::ALL).unwrap());
        assert_eq!(schema_of::<PlayerId>()["pattern"], "^[0-9A-HJKMNP-TV-Z]{12}$");
    }

    #[test]
    fn a_member_that_is_always_written_is_required() {
        let required = &schema_of::<ScoreRow>()["required"];
        assert!(required.as_array().unwrap().contains(&json!("playing")));
    }
}
