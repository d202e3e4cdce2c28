//! `patchcore inspect`: what a model file holds.

use crate::args::{Inspect, Shown};
use crate::backbone::read_model;
use crate::exit::{Code, Failure};
use crate::output;
use crate::thresholds::promises;
use patchcore::{Calibration, FORMAT_VERSION, FeaturePrecision, Member, Params, Training};
use patchcore_files::shown;
use serde::Serialize;

/// All of a model but the memory banks themselves.
#[derive(Serialize)]
struct Contents<'a> {
    format_version: u32,
    members: Vec<MemberContents<'a>>,
    training: &'a Training,
    calibration: Option<&'a Calibration>,
}

#[derive(Serialize)]
struct MemberContents<'a> {
    params: &'a Params,
    weights_fingerprint: &'a str,
    patches: usize,
    bank_rows: usize,
    embedding_dimension: usize,
    covering_radius: Option<f32>,
}

impl<'a> MemberContents<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            params: &member.params,
            weights_fingerprint: &member.fingerprint,
            patches: member.patches,
            bank_rows: member.bank.len(),
            embedding_dimension: member.bank.rows.dim(),
            covering_radius: member.covering_radius,
        }
    }
}

pub(crate) fn run(args: &Inspect, how: Shown) -> Result<Code, Failure> {
    let fitted = read_model(&args.model)?;
    let training = &fitted.training;
    if how.json {
        let all = Contents {
            format_version: FORMAT_VERSION,
            members: fitted.members.iter().map(MemberContents::of).collect(),
            training,
            calibration: fitted.calibration.as_ref(),
        };
        let text = serde_json::to_string(&all).map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        output::line(&text)?;
        return Ok(Code::Done);
    }
    output::line(&format!(
        "model          {} (format {FORMAT_VERSION}, made by patchcore {})",
        shown(&args.model),
        training.version
    ))?;
    output::line(&match training.pictures.len() {
        0 => "training       not known: made by another program".to_string(),
        pictures => {
            let [skipped, dropped] = [&training.skipped, &training.dropped].map(Vec::len);
            let asked = if dropped > 0 { format!(", {dropped} as asked") } else { String::new() };
            format!("training       {pictures} pictures; {skipped} left out as unreadable{asked}")
        }
    })?;
    if let Some(extent) = &training.extent {
        output::line(&format!("pictures       {extent}"))?;
    }
    for (i, member) in fitted.members.iter().enumerate() {
        if fitted.members.len() > 1 {
            let scale =
                fitted.calibration.as_ref().map(|c| format!(", scores divided by {:.4}", c.scales[i]));
            output::line(&format!("member         {}{}", i + 1, scale.unwrap_or_default()))?;
        }
        show(member)?;
    }
    match &fitted.calibration {
        Some(_) => promises(&fitted, 14)?,
        None if training.pictures.is_empty() => {
            output::line(
                "threshold      none: imported without good pictures; patchcore calibrate gives one",
            )?;
        }
        None => output::line("threshold      none: too few good pictures")?,
    }
    Ok(Code::Done)
}

/// A member's parameters and its memory bank.
fn show(member: &Member) -> Result<(), Failure> {
    let (p, bank) = (&member.params, &member.bank);
    let params = |value: serde_json::Result<String>| value.unwrap_or_default();
    output::line(&format!(
        "backbone       {}, layers {}, precision {}",
        p.backbone,
        p.layers.join(" "),
        p.precision
    ))?;
    output::line(&format!("weights        {}", member.fingerprint))?;
    output::line(&format!("preprocess     {}", params(serde_json::to_string(&p.preprocess))))?;
    output::line(&format!(
        "embedding      {}, {} values",
        params(serde_json::to_string(&p.embedding)),
        bank.rows.dim()
    ))?;
    output::line(&format!("sampler        {}", params(serde_json::to_string(&p.sampler))))?;
    output::line(&format!(
        "scoring        {} neighbour(s), {}, image {}, map sigma {}",
        p.num_nn,
        params(serde_json::to_string(&p.patch_distance)),
        params(serde_json::to_string(&p.image_score)),
        p.map_sigma
    ))?;
    let kept = match p.feature_precision {
        FeaturePrecision::F32 => "",
        FeaturePrecision::F16 => " kept as f16",
    };
    let radius = member.covering_radius.map_or("unknown".to_string(), |r| {
        format!("{r:.4} (no training patch is farther from its nearest row)")
    });
    let rows = bank.len();
    output::line(&match member.patches {
        0 => format!("memory bank    {rows} rows"),
        patches => format!("memory bank    {rows} rows of {patches} patches{kept}, covering radius {radius}"),
    })
}
