//! A handler as a line of the route table: address, method and description from its `#[utoipa::path]`, refusals from its
//! signature.
//!
//! Each argument names the type that it rejects with, the result names the error. Both list their refusals
//! ([`Refuse`]), so a route needs no list of its own, and none can be forgotten.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::UtoipaMethodRouter;

use super::refusals;
use crate::http::error::{Refuse, Refused};
use crate::http::refusal::Refusal;
use crate::http::state::HttpState;

/// A handler as a line of the route table.
macro_rules! route {
    ($($handler:ident)::+) => {
        $crate::http::openapi::route::with_refusals(
            &$($handler)::+,
            utoipa_axum::routes!($($handler)::+),
        )
    };
}
pub(in crate::http) use route;

/// Adds the refusals of a handler to its description.
pub(in crate::http) fn with_refusals<H, A>(
    handler: &H,
    (schemas, mut paths, methods): UtoipaMethodRouter<HttpState>,
) -> UtoipaMethodRouter<HttpState>
where
    H: Handles<A>,
{
    for item in paths.paths.values_mut() {
        refusals::describe(item, &handler.refusals());
    }
    (schemas, paths, methods)
}

/// A handler, by the types of its arguments (the last with its kind, see [`FromRequest`]).
pub(in crate::http) trait Handles<Arguments> {
    /// The refusals of its arguments and of its result.
    fn refusals(&self) -> Vec<Refusal>;
}

impl<F, Fut> Handles<()> for F
where
    F: Fn() -> Fut,
    Fut: Future<Output: Answers>,
{
    fn refusals(&self) -> Vec<Refusal> {
        Fut::Output::refusals()
    }
}

macro_rules! handles {
    ($($argument:ident)*, $last:ident) => {
        impl<F, Fut, Kind, $($argument,)* $last> Handles<(Kind, $($argument,)* $last)> for F
        where
            F: Fn($($argument,)* $last) -> Fut,
            Fut: Future<Output: Answers>,
            $($argument: FromRequestParts<HttpState, Rejection: Rejects>,)*
            $last: FromRequest<HttpState, Kind, Rejection: Rejects>,
        {
            fn refusals(&self) -> Vec<Refusal> {
                [
                    $($argument::Rejection::refusals(),)*
                    $last::Rejection::refusals(),
                    Fut::Output::refusals(),
                ]
                .concat()
            }
        }
    };
}
handles!(, A);
handles!(A, B);
handles!(A B, C);
handles!(A B C, D);
handles!(A B C D, E);
handles!(A B C D E, G);
handles!(A B C D E G, H);
handles!(A B C D E G H, I);
handles!(A B C D E G H I, J);

/// The rejection of an argument.
pub(in crate::http) trait Rejects {
    fn refusals() -> Vec<Refusal>;
}

impl Rejects for Infallible {
    fn refusals() -> Vec<Refusal> {
        Vec::new()
    }
}

impl<E: Refuse> Rejects for Refused<E> {
    fn refusals() -> Vec<Refusal> {
        E::refusals()
    }
}

/// The return type of a handler.
pub(in crate::http) trait Answers {
    fn refusals() -> Vec<Refusal>;
}

impl<T, E: Refuse> Answers for Result<T, Refused<E>> {
    fn refusals() -> Vec<Refusal> {
        E::refusals()
    }
}

/// With headers.
impl<H, T: Answers> Answers for (H, T) {
    fn refusals() -> Vec<Refusal> {
        T::refusals()
    }
}

macro_rules! answers_always {
    ($([$($generic:ident)?] $answer:ty),+) => {
        $(impl$(<$generic>)? Answers for $answer {
            fn refusals() -> Vec<Refusal> {
                Vec::new()
            }
        })+
    };
}
answers_always!([] Response, [] StatusCode, [] &'static str, [T] Json<T>);
