//! `patchcore weights`: which weights are known and there, and how they come.

use crate::args::{Shown, Weights, WeightsFetch, WeightsImport, WeightsPart};
use crate::exit::{Code, Failure};
use crate::output;
use crate::progress::Bars;
use patchcore::Progress;
use patchcore_files::shown;
use patchcore_hub::{Cache, Fetch, PRETRAINED, Pretrained, Source, State, Stored, Watch, import, pretrained};
use serde_json::{Value, json};

pub(crate) fn run(args: &Weights, how: Shown) -> Result<Code, Failure> {
    let usual = || Cache::usual(|name| std::env::var_os(name));
    let cache = args.cache.as_ref().map_or_else(usual, |folder| Ok(Cache::at(folder)))?;
    match &args.part {
        WeightsPart::List => list(&cache, how),
        WeightsPart::Fetch(fetch_args) => fetch(fetch_args, cache, how),
        WeightsPart::Import(import_args) => take(import_args, &cache, how),
        WeightsPart::Verify(only) => verify(only.name.as_deref(), &cache, how),
        WeightsPart::Path(of) => path(of.name.as_deref(), &cache, how),
    }
}

fn list(cache: &Cache, how: Shown) -> Result<Code, Failure> {
    if how.json {
        let all: Vec<Value> = PRETRAINED.iter().map(|weights| row_json(weights, cache)).collect();
        output::line(&json!({ "cache": cache.folder().to_string_lossy(), "weights": all }).to_string())?;
        return Ok(Code::Done);
    }
    output::line(&format!("{:18} {:13} {:>9}  {:6}  origin", "name", "licence", "size", "cached"))?;
    for weights in PRETRAINED {
        let size = weights.mib.map_or("unknown".to_string(), |mib| format!("{mib:.1} MiB"));
        let cached = if cache.has(weights) { "yes" } else { "no" };
        let Pretrained { name, licence, url, .. } = weights;
        output::line(&format!("{name:18} {licence:13} {size:>9}  {cached:6}  {url}"))?;
    }
    output::line(&format!(
        "\nin {}; trained on ImageNet, whose terms may matter for your use",
        shown(cache.folder())
    ))?;
    Ok(Code::Done)
}

fn row_json(weights: &Pretrained, cache: &Cache) -> Value {
    let numbers = |values: [f32; 3]| values.map(output::score_json);
    json!({
        "name": weights.name,
        "file": weights.file(),
        "licence": weights.licence,
        "sha256_start": weights.sha256_start,
        "mib": weights.mib,
        "side": weights.side,
        "mean": numbers(weights.mean),
        "std": numbers(weights.std),
        "cached": cache.has(weights),
        "origin": weights.url,
    })
}

fn fetch(args: &WeightsFetch, cache: Cache, how: Shown) -> Result<Code, Failure> {
    // A name that is not known is told before anything is fetched.
    let all = args.names.iter().map(|name| pretrained(name)).collect::<Result<Vec<_>, _>>()?;
    let source = match &args.mirror {
        // No address, so a folder, is what is no text.
        Some(mirror) => mirror.to_str().map_or(Ok(Source::Folder(mirror.clone())), Source::mirror)?,
        None => Source::Origin,
    };
    let certificates = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(Into::into);
    let fetch = Fetch { cache, source, certificates };
    for weights in all {
        let bar = Bar { bars: Bars::new(how), how };
        bar.bars.begin_named("fetch", 0);
        let stored = fetch.bring(weights, &bar);
        bar.bars.end();
        tell(weights, &stored?, "fetched", how)?;
    }
    Ok(Code::Done)
}

/// Shows how far a fetch is.
struct Bar {
    bars: Bars,
    how: Shown,
}

impl Watch for Bar {
    fn waits(&self) {
        if self.how.notes {
            output::complain("note: another patchcore is fetching the same file; waiting for it");
        }
    }

    fn at(&self, done: u64, total: Option<u64>) {
        let kib = |bytes: u64| bytes.div_ceil(1024) as usize;
        self.bars.set(kib(done), kib(total.unwrap_or(done)));
    }
}

fn take(args: &WeightsImport, cache: &Cache, how: Shown) -> Result<Code, Failure> {
    let named = args.name.as_deref().map(pretrained).transpose()?;
    let (weights, stored) = import(&args.file, named, PRETRAINED, cache)?;
    tell(weights, &stored, "imported", how)?;
    Ok(Code::Done)
}

/// Says what is there now.
fn tell(weights: &Pretrained, stored: &Stored, verb: &str, how: Shown) -> Result<(), Failure> {
    if how.json {
        let Stored { path, sha256, bytes, already, first } = stored;
        return output::line(
            &json!({ "name": weights.name, "path": path.to_string_lossy(), "bytes": bytes, "sha256": sha256,
                "already": already, "recorded_now": first })
            .to_string(),
        );
    }
    let verb = if stored.already { "there already:" } else { verb };
    output::line(&format!("{verb} {} ({} bytes)", shown(&stored.path), stored.bytes))?;
    if stored.first {
        output::line(&format!(
            "recorded its SHA-256 {}: the publisher vouches for the first {} digits, the record for all from now on",
            stored.sha256,
            weights.sha256_start.len()
        ))?;
    }
    Ok(())
}

fn verify(name: Option<&str>, cache: &Cache, how: Shown) -> Result<Code, Failure> {
    let only = name.map(pretrained).transpose()?;
    if let Some(weights) = only.filter(|weights| !cache.has(weights)) {
        return Err(absent(weights, cache));
    }
    let mut checked = cache.verify(PRETRAINED)?;
    checked.retain(|c| only.is_none_or(|weights| c.name == Some(weights.name)));
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    for file in &checked {
        let (state, expected) = match &file.state {
            State::Ok => ("ok", None),
            State::Unknown => ("unknown", None),
            State::Altered { expected } => ("altered", Some(expected)),
        };
        if let Some(expected) = expected {
            wrong.push(format!("{}: SHA-256 {}, expected {expected}", shown(&file.path), file.sha256));
        }
        if how.json {
            files.push(json!({ "name": file.name, "path": file.path.to_string_lossy(), "state": state,
                "sha256": file.sha256, "expected": expected }));
        } else {
            output::line(&format!("{state:8} {:64} {}", file.sha256, shown(&file.path)))?;
        }
    }
    if how.json {
        output::line(&json!({ "cache": cache.folder().to_string_lossy(), "files": files }).to_string())?;
    }
    if wrong.is_empty() {
        return Ok(Code::Done);
    }
    let message = format!("{} of {} files are not what they should be", wrong.len(), checked.len());
    Err(Failure::new(Code::Weights, message)
        .parts(wrong)
        .hint("patchcore weights fetch NAME brings the right file"))
}

fn path(name: Option<&str>, cache: &Cache, how: Shown) -> Result<Code, Failure> {
    let path = match name.map(pretrained).transpose()? {
        None => cache.folder().to_path_buf(),
        Some(weights) if cache.has(weights) => cache.path(weights),
        Some(weights) => return Err(absent(weights, cache)),
    };
    output::line(&if how.json {
        json!({ "path": path.to_string_lossy() }).to_string()
    } else {
        shown(&path)
    })?;
    Ok(Code::Done)
}

fn absent(weights: &Pretrained, cache: &Cache) -> Failure {
    let message = format!("{}: not there", shown(&cache.path(weights)));
    Failure::new(Code::Weights, message).hint(format!("patchcore weights fetch {}", weights.name))
}
