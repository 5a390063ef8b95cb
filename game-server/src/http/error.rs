//! Errors of handlers and extractors, and their refusals.
//!
//! An error that reaches a client implements [`Refuse`]: it lists its refusals, and turns into one of them. A handler
//! returns [`HttpResult`], an extractor rejects with [`Refused`]; the description reads both types from the handler's
//! signature (see `openapi/route.rs`), so it lists exactly the refusals that can happen.

use std::convert::Infallible;

use axum::response::{IntoResponse, Response};

use super::problem::ProblemResponse;
use super::refusal::Refusal;

/// An error that reaches a client.
pub trait Refuse: Sized {
    /// All refusals that the error can become.
    fn refusals() -> Vec<Refusal>;

    /// The answer: one of [`Refuse::refusals`].
    fn into_problem(self) -> ProblemResponse;
}

impl Refuse for Infallible {
    fn refusals() -> Vec<Refusal> {
        Vec::new()
    }

    fn into_problem(self) -> ProblemResponse {
        match self {}
    }
}

/// An error as an answer to a request.
#[derive(Debug)]
pub struct Refused<E>(pub E);

/// The result of a handler.
pub type HttpResult<T, E> = Result<T, Refused<E>>;

impl<E> From<E> for Refused<E> {
    fn from(error: E) -> Self {
        Self(error)
    }
}

impl<E: Refuse> IntoResponse for Refused<E> {
    fn into_response(self) -> Response {
        let problem = self.0.into_problem();
        debug_assert!(
            E::refusals().iter().any(|declared| problem.is(declared)),
            "{problem:?} is not declared"
        );
        problem.into_response()
    }
}

/// The error of a handler in which several things can fail: an enum with a variant for each, that `?` makes from it.
macro_rules! one_of {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$about:meta])* $variant:ident($error:ty),)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        $vis enum $name {
            $($(#[$about])* $variant($error),)+
        }

        $(
            impl From<$error> for $name {
                fn from(error: $error) -> Self {
                    Self::$variant(error)
                }
            }

            impl From<$error> for $crate::http::error::Refused<$name> {
                fn from(error: $error) -> Self {
                    Self($name::$variant(error))
                }
            }
        )+

        impl $crate::http::error::Refuse for $name {
            fn refusals() -> Vec<$crate::http::refusal::Refusal> {
                [$(<$error as $crate::http::error::Refuse>::refusals()),+].concat()
            }

            fn into_problem(self) -> $crate::http::problem::ProblemResponse {
                match self {
                    $(Self::$variant(error) => $crate::http::error::Refuse::into_problem(error),)+
                }
            }
        }
    };
}
pub(super) use one_of;
