//! Exit codes, and the one form that every error has.
//!
//! The codes and what they mean stand in `docs/reliability.md`; a test holds that table against [`Code`].
//!
//! An error is one line, `error[E003]: PATH: reason`; then its parts, if there are several; then a line `hint: ...`.

use crate::output;
use patchcore::PictureFault;
use patchcore_backbone::BackboneError;
use patchcore_backbone::weights::{WeightsError, WeightsErrorKind};
use patchcore_evaluation::EvaluationError;
use patchcore_files::{FileError, shown};
use patchcore_foreign::ForeignError;
use patchcore_hub::HubError;
use patchcore_image::{DatasetError, ErrorKind, ImageError};
use serde_json::json;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Done = 0,
    Defect = 1,
    Usage = 2,
    Input = 3,
    Weights = 4,
    Io = 5,
    Limit = 6,
    SomeBad = 7,
    Internal = 70,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why the program gives up.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// One line for each of several faults.
    pub(crate) parts: Vec<String>,
    pub(crate) hint: Option<String>,
    /// Nobody reads our output any more: end without a word.
    silent: bool,
}

/// Parts of an error that are printed; the others are counted.
const SHOWN_PARTS: usize = 20;

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), parts: Vec::new(), hint: None, silent: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn parts(mut self, parts: Vec<String>) -> Self {
        self.parts = parts;
        self
    }

    /// An error while writing to standard output.
    pub(crate) fn stdout(error: &std::io::Error) -> Self {
        let silent = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { silent, ..Self::new(Code::Io, format!("standard output: {error}")) }
    }

    pub(crate) fn internal(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Self::new(Code::Internal, format!("internal error: {text}"))
            .hint("this is a bug in patchcore; please report it with the command that led to it")
    }

    /// The end of a command that is done, where `faults` name pictures for which it is not done in full.
    pub(crate) fn of_faults(faults: Vec<String>, total: usize) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        let message = format!("{} of {total} pictures have no complete result", faults.len());
        Err(Self::new(Code::SomeBad, message).parts(faults))
    }

    /// Prints the error and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if self.silent {
            return ExitCode::SUCCESS;
        }
        let name = format!("E{:03}", self.code as u8);
        if json {
            let error = json!({"code": name, "exit": self.code as u8, "message": self.message, "parts": self.parts,
                "hint": self.hint});
            output::complain(&json!({ "error": error }).to_string());
        } else {
            output::complain(&format!("error[{name}]: {}", self.message));
            for part in self.parts.iter().take(SHOWN_PARTS) {
                output::complain(&format!("  {part}"));
            }
            if self.parts.len() > SHOWN_PARTS {
                output::complain(&format!(
                    "  ... and {} more; --json lists all",
                    self.parts.len() - SHOWN_PARTS
                ));
            }
            if let Some(hint) = &self.hint {
                output::complain(&format!("hint: {hint}"));
            }
        }
        self.code.into()
    }
}

/// What clap says, in our form; help and version are no errors.
pub(crate) fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        return error.print().map_or_else(|e| Failure::stdout(&e).report(json), |()| ExitCode::SUCCESS);
    }
    let text = error.to_string();
    let text = text.trim_end();
    if json {
        let (message, hint) = text.split_once("\n\n").unwrap_or((text, "see --help"));
        let message = message.trim_start_matches("error: ");
        return Failure::usage(message).hint(hint.trim()).report(json);
    }
    output::complain(&text.replacen("error:", "error[E002]:", 1));
    Code::Usage.into()
}

/// An error and its causes, joined by colons.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Input => Self::Input,
            ErrorKind::Limit => Self::Limit,
            _ => Self::Io,
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Self::new(error.kind().into(), error.to_string())
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let failure = Self::new(error.kind().into(), error.to_string());
        match error {
            DatasetError::Ambiguous { .. } => failure.hint("--layout NAME names it"),
            DatasetError::Faulty { .. } => failure.hint("`patchcore dataset inspect` lists all of them"),
            DatasetError::NoLayout { .. } => {
                failure.hint("--good DIR fits on a folder of pictures; a manifest can describe any set")
            }
            _ => failure,
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let failure = Self::new(Code::Io, error.to_string());
        match error {
            FileError::Exists { .. } => failure.hint("--force replaces it"),
            FileError::TooLong { .. } => Self { code: Code::Limit, ..failure },
            FileError::Read { source, .. } if source.kind() == std::io::ErrorKind::OutOfMemory => {
                Self { code: Code::Limit, ..failure }.hint("it takes a machine with more memory")
            }
            FileError::InUse { .. } => failure.hint("wait for the other program, or choose another file"),
            _ => failure,
        }
    }
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        let missing = matches!(&error, WeightsError::File(file) if file.is_missing());
        let code = if error.kind() == WeightsErrorKind::Io && !missing { Code::Io } else { Code::Weights };
        Self::new(code, chain(&error))
    }
}

impl From<ForeignError> for Failure {
    fn from(error: ForeignError) -> Self {
        match error {
            ForeignError::File(error) if error.is_missing() => Self::new(Code::Weights, error.to_string()),
            ForeignError::File(error) => error.into(),
            ForeignError::Torch(error) => error.into(),
            ForeignError::Folder { .. } => Self::new(Code::Io, chain(&error)),
            other => Self::new(Code::Weights, chain(&other)),
        }
    }
}

#[cfg(feature = "onnx")]
impl From<patchcore_onnx::OnnxError> for Failure {
    fn from(error: patchcore_onnx::OnnxError) -> Self {
        use patchcore_onnx::{OnnxError, OnnxErrorKind};
        let missing = matches!(&error, OnnxError::File(file) if file.is_missing());
        let code = match error.kind() {
            OnnxErrorKind::Io if !missing => Code::Io,
            OnnxErrorKind::Usage => Code::Usage,
            _ => Code::Weights,
        };
        Self::new(code, chain(&error))
    }
}

impl From<BackboneError> for Failure {
    fn from(error: BackboneError) -> Self {
        let code = match error {
            BackboneError::WeightsFile(error) => return error.into(),
            BackboneError::PictureSize { .. } => {
                return Self::new(Code::Input, chain(&error)).hint(
                    "--resize PIXELS and --imagesize PIXELS cut pictures to its size, or export it for pictures of any size",
                );
            }
            BackboneError::Network { .. }
            | BackboneError::NeedsWeights { .. }
            | BackboneError::Weights { .. } => Code::Weights,
            BackboneError::Channels { .. } | BackboneError::TooSmall { .. } => Code::Input,
            _ => Code::Usage,
        };
        Self::new(code, chain(&error))
    }
}

impl From<patchcore::Error> for Failure {
    fn from(error: patchcore::Error) -> Self {
        use patchcore::Error as E;
        let message = chain(&error);
        match error {
            E::Backbone(inner) => inner.into(),
            E::File(file) if file.is_missing() => Self::new(Code::Weights, message),
            E::File(file) => file.into(),
            E::BadPictures { bad, total, kind } => {
                let code = match kind {
                    PictureFault::Content => Code::Input,
                    PictureFault::Io => Code::Io,
                    PictureFault::Limit => Code::Limit,
                };
                let some_good = bad.len() < total;
                let failure =
                    Self::new(code, format!("{} of {total} pictures cannot be used", bad.len())).parts(bad);
                if some_good { failure.hint("--skip-bad fits on the others") } else { failure }
            }
            E::NotNew { leaks, .. } => Self::new(Code::Input, message)
                .parts(leaks.iter().map(ToString::to_string).collect())
                .hint("thresholds come from good pictures that the model has not seen"),
            E::NotAmongPictures { unknown } => Self::new(
                Code::Input,
                format!("{} names to leave out are no pictures to fit on", unknown.len()),
            )
            .parts(unknown.iter().map(|name| shown(Path::new(name))).collect())
            .hint("names are those that `fit --json` gives in its audit"),
            E::Memory { halved, .. } => {
                let half = halved.map(|_| "--feature-precision f16 is enough, or ").unwrap_or_default();
                Self::new(Code::Limit, message)
                    .hint(format!("{half}use fewer pictures, a smaller --imagesize or a smaller bank"))
            }
            E::OtherWeights { .. } | E::BadModel { .. } | E::BankWidth { .. } => {
                Self::new(Code::Weights, message)
            }
            E::Parameter { .. } => Self::usage(message),
            _ => Self::new(Code::Input, message),
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        use HubError as E;
        let code = match &error {
            E::Unknown { .. } | E::Mirror { .. } | E::NoFolder | E::NoNetwork { .. } => Code::Usage,
            E::File(file) if file.is_missing() => Code::Weights,
            E::NotCached { .. }
            | E::BadRecord { .. }
            | E::WrongHash { .. }
            | E::Unrecognised { .. }
            | E::DoesNotLoad { .. } => Code::Weights,
            E::TooLong { .. } => Code::Limit,
            _ => Code::Io,
        };
        let hint = match &error {
            E::NoFolder => Some("give one with --cache DIR or in PATCHCORE_WEIGHTS"),
            E::NoNetwork { .. } | E::Processor { .. } => Some(
                "download the file by other means; then `patchcore weights import FILE`, or --mirror FOLDER",
            ),
            E::Network { .. } | E::Status { .. } => {
                Some("--mirror takes another address or a folder; `patchcore weights import FILE` a file")
            }
            E::WrongHash { .. } | E::DoesNotLoad { .. } => {
                Some("--weights FILE of fit uses any file, unchecked")
            }
            E::BadRecord { .. } => {
                Some("remove that file, and the weights are checked by their publisher's digits")
            }
            E::Unrecognised { .. } => Some("--name NAME says which network it is for"),
            _ => None,
        };
        Self { hint: hint.map(str::to_string), ..Self::new(code, chain(&error)) }
    }
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Unusable { faults } => {
                let code = faults.first().map_or(Code::Input, |fault| fault.kind().into());
                let parts = faults.iter().map(ToString::to_string).collect();
                Self::new(code, format!("{} test pictures or masks cannot be used", faults.len()))
                    .parts(parts)
            }
            other => Self::new(Code::Input, other.to_string()),
        }
    }
}
