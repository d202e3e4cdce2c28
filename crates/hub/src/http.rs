//! One question to a server, over as many redirects as are decent.

use crate::{HubError, tls};
use std::path::Path;
use std::time::Duration;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE};
use ureq::http::{HeaderMap, HeaderName, Response, StatusCode, Uri};
use ureq::{Agent, Body, BodyReader};

/// Nobody needs more redirects.
const MOST_REDIRECTS: usize = 8;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// The way to all servers.
pub(crate) struct Client {
    agent: Agent,
}

/// A file, or the rest of one, as it comes from a server.
pub(crate) struct Answer {
    /// Where in the file it begins.
    pub(crate) from: u64,
    /// The length of the whole file, if the server says it.
    pub(crate) total: Option<u64>,
    /// What tells the server later whether its file is still the same.
    pub(crate) mark: Option<String>,
    /// The bytes.
    pub(crate) body: BodyReader<'static>,
}

/// The beginning of a file that is here already, with the server's mark of the file.
pub(crate) struct Beginning<'a> {
    pub(crate) len: u64,
    pub(crate) mark: &'a str,
}

impl Client {
    /// Trusts the certificates in the file, or those that browsers trust.
    pub(crate) fn new(certificates: Option<&Path>) -> Result<Self, HubError> {
        let config = Agent::config_builder()
            .tls_config(tls::config(certificates)?)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .user_agent(concat!("patchcore/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().new_agent() })
    }

    /// Asks for a file, or for its rest after `have`. Nothing if the server has no such rest.
    pub(crate) fn get(&self, url: &str, have: Option<&Beginning>) -> Result<Option<Answer>, HubError> {
        let mut uri: Uri = url.parse().map_err(|_| network(url, "is no address"))?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&uri, have)?;
            let status = response.status();
            let from = have.map_or(0, |have| have.len);
            match status {
                StatusCode::OK => return Ok(Some(answer(response, 0))),
                StatusCode::PARTIAL_CONTENT if from > 0 && begins_at(&response, from) => {
                    return Ok(Some(answer(response, from)));
                }
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => {
                    return Ok(None);
                }
                _ if is_redirect(status) => uri = next(&uri, &response)?,
                _ => return Err(HubError::Status { url: plain(&uri), status: status.to_string() }),
            }
        }
        Err(HubError::Redirect { url: plain(&uri), problem: format!("more than {MOST_REDIRECTS} redirects") })
    }

    fn ask(&self, uri: &Uri, have: Option<&Beginning>) -> Result<Response<Body>, HubError> {
        // The cryptography would panic there.
        if uri.scheme_str() == Some("https") && !graviola::util::is_cpu_supported() {
            return Err(HubError::Processor { url: plain(uri) });
        }
        let mut request = self.agent.get(uri);
        if is_loopback(uri) {
            // This machine's own address means another machine to a proxy.
            request = request.config().proxy(None).build();
        }
        if let Some(have) = have {
            request = request.header(RANGE, format!("bytes={}-", have.len)).header(IF_RANGE, have.mark);
        }
        request.call().map_err(|error| network(&plain(uri), &reason(&error)))
    }
}

/// An error of the network that leaves nothing behind.
fn network(url: &str, problem: &str) -> HubError {
    HubError::Network { url: url.to_string(), problem: problem.to_string(), kept: 0 }
}

/// What went wrong, in words that do not say `io:`.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "there is no such host, or no way to it".to_string(),
        other => other.to_string(),
    }
}

fn answer(response: Response<Body>, from: u64) -> Answer {
    let headers = response.headers();
    let length = text(headers, &CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let total = length.and_then(|length| length.checked_add(from));
    let mark = mark(headers);
    Answer { from, total, mark, body: response.into_body().into_reader() }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A strong entity tag or a date; only these may stand in `If-Range`.
fn mark(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, &ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(headers, &LAST_MODIFIED)).map(str::to_string)
}

/// Whether the server sends what comes after the first `from` bytes.
fn begins_at(response: &Response<Body>, from: u64) -> bool {
    let range = text(response.headers(), &CONTENT_RANGE).unwrap_or_default();
    let start = range.strip_prefix("bytes ").and_then(|range| range.split_once('-'));
    start.and_then(|(start, _)| start.parse().ok()) == Some(from)
}

fn is_redirect(status: StatusCode) -> bool {
    [301, 302, 303, 307, 308].contains(&status.as_u16())
}

/// Where a redirect leads; never from `https` to anything else.
fn next(uri: &Uri, response: &Response<Body>) -> Result<Uri, HubError> {
    let refuse = |problem: &str| HubError::Redirect { url: plain(uri), problem: problem.to_string() };
    let location = text(response.headers(), &LOCATION);
    let location = location.ok_or_else(|| refuse("redirects to no address"))?;
    let target = resolve(uri, location).ok_or_else(|| refuse("redirects to no web address"))?;
    if uri.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(refuse(&format!("redirects to {}, which is not encrypted", plain(&target))));
    }
    Ok(target)
}

/// The web address that a `Location` means.
fn resolve(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, host) = (base.scheme_str()?, base.authority()?);
    let path = base.path();
    let folder = path.get(..=path.rfind('/')?)?;
    let absolute = ["http://", "https://"]
        .iter()
        .any(|start| location.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)));
    let text = if absolute {
        location.to_string()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else if location.split(['/', '?', '#']).next()?.contains(':') {
        return None;
    } else {
        format!("{scheme}://{host}{folder}{location}")
    };
    text.parse().ok().filter(|uri: &Uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// The address without what may be secret: names, passwords and signatures.
fn plain(uri: &Uri) -> String {
    let host = uri.authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default());
    format!("{}://{}{}", uri.scheme_str().unwrap_or_default(), host.unwrap_or_default(), uri.path())
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_they_say() {
        let base: Uri = "https://a.example:8443/models/v1/net.pth?x=1".parse().unwrap();
        for (location, target) in [
            ("https://b.example/net.pth?sig=2", "https://b.example/net.pth?sig=2"),
            ("HTTP://b.example/", "http://b.example/"),
            ("//b.example/net.pth", "https://b.example/net.pth"),
            ("/other/net.pth?u=http://c.example", "https://a.example:8443/other/net.pth?u=http://c.example"),
            ("net2.pth", "https://a.example:8443/models/v1/net2.pth"),
        ] {
            assert_eq!(resolve(&base, location).unwrap().to_string(), target, "{location}");
        }
        for bad in ["ftp://b.example/net.pth", "file:/etc/passwd", "javascript:1", "https://", "http:// x"] {
            assert_eq!(resolve(&base, bad), None, "{bad}");
        }
    }

    #[test]
    fn only_https_leads_from_https() {
        let leads = |from: &str, to: &str| {
            let response =
                Response::builder().header(LOCATION, to).body(Body::builder().data(Vec::new())).unwrap();
            next(&from.parse().unwrap(), &response).map(|uri| uri.to_string()).map_err(|e| e.to_string())
        };
        assert_eq!(leads("https://a/x", "https://b/y").unwrap(), "https://b/y");
        assert_eq!(leads("http://a/x", "https://b/y").unwrap(), "https://b/y");
        assert_eq!(leads("http://a/x", "http://b/y").unwrap(), "http://b/y");
        let refused = leads("https://a/x", "http://user:secret@b/y?sig=1").unwrap_err();
        assert_eq!(refused, "https://a/x: redirects to http://b/y, which is not encrypted");
    }

    #[test]
    fn loopback_is_known_in_all_forms() {
        let is = |url: &str| is_loopback(&url.parse().unwrap());
        assert!(is("http://127.0.0.1:8080/") && is("http://[::1]/") && is("http://LocalHost/"));
        assert!(!is("http://10.0.0.1/") && !is("http://localhost.example/") && !is("http://127.example/"));
    }
}
