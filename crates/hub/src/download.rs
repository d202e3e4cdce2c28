//! A download that goes on where it broke off.

use crate::http::{Answer, Beginning, Client};
use crate::part::Part;
use crate::{HubError, Pretrained, Stored, Watch, digest};
use std::io::Read;

/// So many times one fetch asks a server for a file or its rest.
const ATTEMPTS: usize = 6;

/// Brings a file from `url` into the cache. Whenever the connection breaks and something has come, the rest is asked for.
pub(crate) fn download(
    client: &Client,
    url: &str,
    weights: &Pretrained,
    mut part: Part,
    watch: &dyn Watch,
) -> Result<Stored, HubError> {
    let mut broke = None;
    for _ in 0..ATTEMPTS {
        let start = part.kept();
        let have = part.mark().filter(|_| start > 0).map(|mark| Beginning { len: start, mark });
        let answer = match client.get(url, have.as_ref()) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                // The server's file is another one by now.
                part.begin(None)?;
                continue;
            }
            Err(error) => return Err(given_up(error, &mut part)?),
        };
        let gone_on = answer.from > 0;
        match receive(url, answer, weights, &mut part, watch) {
            Ok(()) => match part.finish(weights, url) {
                // What was here before may have been wrong.
                Err(HubError::WrongHash { .. }) if gone_on => part.begin(None)?,
                Err(error @ HubError::WrongHash { .. }) => {
                    part.discard()?;
                    return Err(error);
                }
                finished => return finished,
            },
            Err(error @ HubError::Network { .. }) if part.kept() > 0 => broke = Some(error),
            // On a full disk, a beginning would only take up what is missing.
            Err(error) => {
                part.discard()?;
                return Err(error);
            }
        }
    }
    let silent = || HubError::Network { url: url.into(), problem: "gives no file".into(), kept: 0 };
    Err(given_up(broke.unwrap_or_else(silent), &mut part)?)
}

/// Adds an answer to what is there.
fn receive(
    url: &str,
    answer: Answer,
    weights: &Pretrained,
    part: &mut Part,
    watch: &dyn Watch,
) -> Result<(), HubError> {
    let Answer { from, total, mark, mut body } = answer;
    if from == 0 {
        part.begin(mark.as_deref())?;
    }
    let too_long = || HubError::TooLong { from: url.to_string(), allowed: weights.allowed() };
    if total.is_some_and(|total| total > weights.allowed()) {
        return Err(too_long());
    }
    let mut chunk = vec![0; digest::CHUNK];
    loop {
        // A body that is shorter than announced is such an error as well.
        let n = body.read(&mut chunk).map_err(|error| HubError::Network {
            url: url.to_string(),
            problem: format!("the connection broke after {} bytes: {error}", part.len()),
            kept: 0,
        })?;
        let Some(bytes) = chunk.get(..n).filter(|bytes| !bytes.is_empty()) else { break };
        if part.len() + bytes.len() as u64 > weights.allowed() {
            return Err(too_long());
        }
        part.append(bytes)?;
        watch.at(part.len(), total);
    }
    Ok(())
}

/// Leaves for the next fetch what it can use, and nothing else; the error says how much that is.
fn given_up(error: HubError, part: &mut Part) -> Result<HubError, HubError> {
    let kept = part.kept();
    if kept == 0 {
        part.discard()?;
    }
    Ok(match error {
        HubError::Network { url, problem, .. } => HubError::Network { url, problem, kept },
        other => other,
    })
}
