//! `patchcore export`: a model as another program saves it.

use crate::args::{Export, ExportFormat, Shown};
use crate::backbone::read_model;
use crate::exit::{Code, Failure};
use crate::output;
use crate::targets::{Sources, claim_folder};
use patchcore::{Error, Fitted};
use patchcore_files::shown;
use patchcore_foreign::{SavedMember, SequenceKind, Writing, write_reference};
use serde_json::json;

pub(crate) fn run(args: &Export, how: Shown) -> Result<Code, Failure> {
    let fitted = read_model(&args.model)?;
    match args.format {
        ExportFormat::Reference => reference(args, &fitted)?,
    }
    let members = fitted.members.len();
    if how.json {
        let summary = json!({ "folder": args.output.to_string_lossy(), "members": members });
        output::line(&summary.to_string())?;
    } else {
        let pairs = if members == 1 { "a pair".to_string() } else { format!("{members} pairs") };
        output::line(&format!(
            "exported {} as {pairs} of files in {}",
            shown(&args.model),
            shown(&args.output)
        ))?;
    }
    Ok(Code::Done)
}

/// As the original's training script saves it: layers are a tuple in a single model, a list in an ensemble.
fn reference(args: &Export, fitted: &Fitted) -> Result<(), Failure> {
    let kind = if fitted.members.len() == 1 { SequenceKind::Tuple } else { SequenceKind::List };
    let members = fitted.members.iter().map(|member| SavedMember::from_member(member, kind));
    let members: Vec<SavedMember> = members
        .collect::<Result<_, Error>>()
        .map_err(|error| Failure::usage(format!("{}: {error}", shown(&args.model))))?;
    claim_folder(&args.output, true)?;
    let sources = Sources::of([&args.model]);
    for file in std::fs::read_dir(&args.output).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|ending| ending == "faiss" || ending == "pkl") {
            sources.spare(&file)?;
        }
    }
    write_reference(&args.output, &members, Writing { force: args.force, ..Writing::default() })?;
    Ok(())
}
