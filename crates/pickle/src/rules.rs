//! What a reader lets a pickle say.

/// How much of the pickle language is read; nothing of it is ever run.
///
/// A file of plain values needs no names; a state dict needs a dozen that are known; a whole Python object needs names
/// that nobody can list, and then each stays a name.
///
/// ```
/// use patchcore_pickle::{PickleError, Rules, Value, run};
///
/// // What Python would answer by running a command.
/// let hostile = b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.";
/// let error = run(hostile, Rules::Data(|_| true)).unwrap_err();
/// assert_eq!(error.to_string(), "byte 2: GLOBAL os.system is refused: it would run code");
/// assert!(matches!(run(hostile, Rules::Names(|_, _| false)), Err(PickleError::Refused { offset: 2, .. })));
///
/// // Here it is a call that nobody makes.
/// let pickle = run(hostile, Rules::Objects)?;
/// let Value::Call { callee, .. } = pickle.root() else { panic!("no call") };
/// assert_eq!(pickle.get(*callee), &Value::Name { module: "os".into(), name: "system".into() });
/// # Ok::<(), PickleError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Rules {
    /// Plain values from opcodes that the function allows; all that would run code is refused whatever it says.
    Data(fn(opcode: u8) -> bool),
    /// Also names that the function allows, calls of them, and references to what lies outside.
    Names(fn(module: &str, name: &str) -> bool),
    /// Also every other name, and objects with attributes and items.
    Objects,
}

/// The name of an opcode that would run code, or that names some.
pub(crate) fn running(opcode: u8) -> Option<&'static str> {
    match opcode {
        b'c' => Some("GLOBAL"),
        0x93 => Some("STACK_GLOBAL"),
        b'R' => Some("REDUCE"),
        b'b' => Some("BUILD"),
        b'i' => Some("INST"),
        b'o' => Some("OBJ"),
        0x81 => Some("NEWOBJ"),
        0x92 => Some("NEWOBJ_EX"),
        b'P' => Some("PERSID"),
        b'Q' => Some("BINPERSID"),
        0x82 => Some("EXT1"),
        0x83 => Some("EXT2"),
        0x84 => Some("EXT4"),
        _ => None,
    }
}
