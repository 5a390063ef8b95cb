//! What is on another node, or what this one does no more because it stops: the client is sent there by 307, which keeps method and body (RFC 9110 §15.4.8).
//!
//! A request whose address names this node is not sent on, so that no request goes in circles.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode, Uri};

use super::problem::{OnAnother, OnNode};
use crate::cluster::nodes::Nodes;
use crate::node::NodeName;
use crate::serve::ForThisNode;

/// The address of a request that can be sent on. Boxed: a request that waits in a long-poll holds it.
pub(super) struct Elsewhere(Box<Uri>);

impl Elsewhere {
    /// `None` when the request named this node.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let names_this_node = request.extensions().get::<ForThisNode>().is_some();
        (!names_this_node).then(|| Self(Box::new(request.uri().clone())))
    }

    /// Sends the client on when the answer says that another node knows more, or that any other one will do.
    pub(super) fn send_on(self, response: Response, nodes: &Nodes) -> Response {
        let Some(node) = node_for(&response, nodes) else { return response };
        let path = self.0.path_and_query().map_or("/", |path| path.as_str());
        let Ok(location) = HeaderValue::try_from(format!("{}{path}", node.prefix())) else {
            return response;
        };
        let mut sent_on = Response::new(Body::empty());
        *sent_on.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        sent_on.headers_mut().insert(LOCATION, location);
        sent_on.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        sent_on
    }
}

fn node_for(response: &Response, nodes: &Nodes) -> Option<NodeName> {
    let extensions = response.extensions();
    let named = extensions.get::<OnNode>().map(|OnNode(node)| node.clone());
    named.or_else(|| extensions.get::<OnAnother>().and_then(|OnAnother| nodes.another()))
}
