//! Why a pickle is not read.

/// What is wrong with a pickle, and where; offsets count from the pickle's first byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// It asks for something that the [`Rules`](crate::Rules) do not allow.
    #[error("byte {offset}: {name} is refused: it would run code")]
    Refused {
        /// `module.name` as the pickle says it, or the name of the opcode.
        name: String,
        /// Position of the opcode.
        offset: usize,
    },

    /// It is damaged, or uses an opcode that is not read.
    #[error("byte {offset}: {problem}")]
    Bad {
        /// Position of the opcode.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },

    /// It would need more memory than any file of its kind does.
    #[error("{what}: {got} is over the limit of {limit}")]
    OverLimit {
        /// What was counted.
        what: &'static str,
        /// The count, or the first one over the limit.
        got: u64,
        /// The limit.
        limit: u64,
    },
}
