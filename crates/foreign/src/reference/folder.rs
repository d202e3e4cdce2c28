//! Which files of a folder make up a saved model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::ForeignError;

const INDEX: &str = "nnscorer_search_index.faiss";
const PARAMS: &str = "patchcore_params.pkl";

/// The two files of one member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) index: PathBuf,
    pub(super) params: PathBuf,
}

/// The names of the members of a model with so many.
pub(super) fn pairs(dir: &Path, members: usize) -> Vec<Pair> {
    let prefixes: Vec<String> = match members {
        1 => vec![String::new()],
        n => (1..=n).map(|i| format!("Ensemble-{i}-{n}_")).collect(),
    };
    let pair = |prefix: String| Pair {
        index: dir.join(format!("{prefix}{INDEX}")),
        params: dir.join(format!("{prefix}{PARAMS}")),
    };
    prefixes.into_iter().map(pair).collect()
}

/// The members of the model in `dir`; their files are all there, and no other index or parameter file is.
pub(super) fn list(dir: &Path) -> Result<Vec<Pair>, ForeignError> {
    let found = model_files(dir)?;
    let members = found.iter().filter(|path| is_index(path)).count();
    if members == 0 {
        let problem = format!("no *.faiss file: a saved model is a folder with {INDEX} and {PARAMS}");
        return Err(ForeignError::members(dir, problem));
    }
    let pairs = pairs(dir, members);
    let expected: BTreeSet<&PathBuf> = pairs.iter().flat_map(|pair| [&pair.index, &pair.params]).collect();
    let because = match members {
        1 => "one *.faiss file makes a single model".to_owned(),
        n => format!("{n} *.faiss files make an ensemble of {n}"),
    };
    if let Some(surplus) = found.iter().find(|path| !expected.contains(path)) {
        return Err(ForeignError::members(surplus, format!("surplus: {because}")));
    }
    if let Some(missing) = expected.into_iter().find(|path| !found.contains(*path)) {
        return Err(ForeignError::members(missing, format!("missing: {because}")));
    }
    Ok(pairs)
}

/// Every index and every parameter file in `dir`, in the order of their names.
pub(super) fn model_files(dir: &Path) -> Result<BTreeSet<PathBuf>, ForeignError> {
    let fail = |source| ForeignError::Folder { path: dir.into(), source };
    let mut found = BTreeSet::new();
    for entry in dir.read_dir().map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if is_index(&path) || ends_with(&path, PARAMS) {
            found.insert(path);
        }
    }
    Ok(found)
}

/// As the original's loader decides.
fn is_index(path: &Path) -> bool {
    ends_with(path, ".faiss")
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(ending.as_bytes()))
}
