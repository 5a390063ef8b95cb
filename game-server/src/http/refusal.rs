//! The ways in which a request is refused, as values.

use shared::api::ProblemKind;

/// One way in which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The problem's type.
    pub kind: ProblemKind,
    /// The HTTP status: the kind's own, unless another fits better.
    pub status: u16,
    /// When it happens, for the description. Empty where the kind's title says it.
    pub when: &'static str,
}

pub(super) const INTERNAL: Refusal = Refusal::new(ProblemKind::Internal);
pub(super) const FOREIGN_ORIGIN: Refusal = Refusal::new(ProblemKind::ForeignOrigin);
pub(super) const UNKNOWN_HOST: Refusal = Refusal::new(ProblemKind::UnknownHost);
pub(super) const METHOD_NOT_ALLOWED: Refusal = Refusal::new(ProblemKind::MethodNotAllowed);
pub(super) const NOT_FOUND: Refusal = Refusal::new(ProblemKind::NotFound);
pub(super) const BAD_REQUEST: Refusal = Refusal::new(ProblemKind::BadRequest);
pub(super) const BAD_CURSOR: Refusal = Refusal::new(ProblemKind::BadCursor);
pub(super) const CURSOR_GONE: Refusal =
    Refusal::new(ProblemKind::CursorGone).when("continue from the snapshot that comes with it");
pub(super) const SHARED_AWAY: Refusal =
    Refusal::new(ProblemKind::Busy).when("what the nodes of a lobby share does not answer");
pub(super) const STARTING: Refusal = Refusal::new(ProblemKind::Starting);
pub(super) const STOPPING: Refusal = Refusal::new(ProblemKind::Stopping);

impl Refusal {
    /// A kind of problem under its own status.
    #[must_use]
    pub const fn new(kind: ProblemKind) -> Self {
        Self { kind, status: kind.status(), when: "" }
    }

    /// The same under a status that fits better.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with the words that say when it happens.
    #[must_use]
    pub const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }
}
