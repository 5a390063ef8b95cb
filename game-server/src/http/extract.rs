//! Arguments of routes: as axum's own, but each refusal is a problem, and a body has a time limit.

use std::time::Duration;

use axum::Json;
use axum::extract::{
    FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Query, Request,
};
use http::request::Parts;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use shared::api::ProblemKind;

use super::error::HttpError;
use crate::app::SharedApp;
use crate::client_address::ClientAddress;
use crate::player::Player;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body.
pub struct JsonBody<T>(pub T);

/// The parameters after `?`.
pub struct QueryParams<T>(pub T);

/// The parts of the path. One that cannot be read names nothing: 404.
pub struct UrlPath<T>(pub T);

impl<T: DeserializeOwned> FromRequest<SharedApp> for JsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, HttpError> {
        // One that is announced too long is not waited for.
        if request.body().size_hint().lower() > super::BODY_BYTES_MAX as u64 {
            let detail = format!("A body has at most {} bytes.", super::BODY_BYTES_MAX);
            return Err(HttpError::new(ProblemKind::TooLarge, detail));
        }
        match tokio::time::timeout(BODY_WITHIN, Json::from_request(request, app)).await {
            Ok(body) => Ok(Self(body?.0)),
            Err(_) => {
                Err(HttpError::new(ProblemKind::BadRequest, "The body did not arrive in time."))
            }
        }
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<SharedApp> for QueryParams<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, HttpError> {
        Ok(Self(Query::from_request_parts(parts, app).await?.0))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<SharedApp> for UrlPath<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, HttpError> {
        let Path(path) = <Path<T> as FromRequestParts<_>>::from_request_parts(parts, app).await?;
        Ok(Self(path))
    }
}

impl FromRequestParts<SharedApp> for ClientAddress {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<Self, HttpError> {
        parts.extensions.get().copied().ok_or_else(super::error::internal)
    }
}

impl FromRequestParts<SharedApp> for Player {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, HttpError> {
        let player = app.sessions.player(&parts.headers).await?;
        player.ok_or_else(|| {
            HttpError::new(ProblemKind::SignIn, "Get a session with POST /api/session first.")
        })
    }
}

impl OptionalFromRequestParts<SharedApp> for Player {
    type Rejection = HttpError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<Option<Self>, HttpError> {
        Ok(app.sessions.player(&parts.headers).await?)
    }
}
