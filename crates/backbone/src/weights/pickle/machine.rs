//! The stack machine: one opcode after the other, protocols 2 to 5 as far as torch.save uses them.

use super::super::WeightsError;
use super::cursor::Cursor;
use super::{AllowName, Id, MAX_VALUES, Pickle, Value};

/// Stack and memo entries; each needs at least one opcode byte, so this is a second fence after the file's own size.
const MAX_STACK: usize = MAX_VALUES;

/// Runs the pickle at the start of `bytes` up to its STOP.
///
/// # Errors
///
/// [`WeightsError::Refused`] for a name that `allow` does not know, [`WeightsError::Pickle`] for damage,
/// [`WeightsError::OverLimit`] for more values than a model can need.
pub(in super::super) fn run(bytes: &[u8], allow: AllowName) -> Result<Pickle, WeightsError> {
    let mut machine = Machine {
        cursor: Cursor::new(bytes),
        allow,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
    };
    loop {
        let opcode = machine.cursor.opcode()?;
        if opcode == b'.' {
            return machine.finish();
        }
        machine.step(opcode)?;
    }
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    allow: AllowName,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Result<(), WeightsError> {
        match opcode {
            // Frame of the stream
            0x80 => self.protocol(),
            0x95 => self.cursor.u64().map(drop), // FRAME: a hint for readers of pipes

            // Plain values
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => self.cursor.i32().and_then(|v| self.push(Value::Int(v.into()))),
            b'K' => self.cursor.u8().and_then(|v| self.push(Value::Int(v.into()))),
            b'M' => self.cursor.u16().and_then(|v| self.push(Value::Int(v.into()))),
            0x8a => self.cursor.u8().and_then(|n| self.long(n.into())),
            0x8b => self.cursor.u32().and_then(|n| self.long(n.into())),
            b'G' => self.cursor.f64().and_then(|v| self.push(Value::Float(v))),
            b'X' => self.cursor.u32().and_then(|n| self.text(n.into())),
            0x8c => self.cursor.u8().and_then(|n| self.text(n.into())),
            0x8d => self.cursor.u64().and_then(|n| self.text(n)),
            b'U' => self.cursor.u8().and_then(|n| self.text(n.into())), // Python 2 str
            b'T' => self.cursor.u32().and_then(|n| self.text(n.into())),
            b'C' => self.cursor.u8().and_then(|n| self.bytes(n.into())),
            b'B' => self.cursor.u32().and_then(|n| self.bytes(n.into())),
            0x8e => self.cursor.u64().and_then(|n| self.bytes(n)),

            // Containers
            b'(' => self.mark(),
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85 => self.tuple_of(1),
            0x86 => self.tuple_of(2),
            0x87 => self.tuple_of(3),
            b't' => self.pop_mark().and_then(|items| self.push(Value::Tuple(items))),
            b']' => self.push(Value::List(Vec::new())),
            b'l' => self.pop_mark().and_then(|items| self.push(Value::List(items))),
            b'a' => self.pop().and_then(|item| self.extend_list(vec![item])),
            b'e' => self.pop_mark().and_then(|items| self.extend_list(items)),
            b'}' => self.push(Value::Dict { items: Vec::new(), ordered: false }),
            b'd' => {
                let items = self.pop_mark()?;
                self.push(Value::Dict { items: Vec::new(), ordered: false })?;
                self.extend_dict(&items)
            }
            b's' => self.pop_n(2).and_then(|items| self.extend_dict(&items)),
            b'u' => self.pop_mark().and_then(|items| self.extend_dict(&items)),

            // Stack
            b'0' => self.discard(),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.top().and_then(|id| self.push_id(id)),

            // Memo
            b'q' => self.cursor.u8().and_then(|at| self.memoize(at as usize)),
            b'r' => self.cursor.u32().and_then(|at| self.memoize(at as usize)),
            0x94 => self.memoize(self.memo.len()),
            b'h' => self.cursor.u8().and_then(|at| self.recall(at as usize)),
            b'j' => self.cursor.u32().and_then(|at| self.recall(at as usize)),

            // Names and what Python would do with them
            b'c' => {
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                self.name(module, name)
            }
            0x93 => self.stack_name(),
            b'R' => self.call(),
            b'b' => self.build(),
            b'Q' => self.pop().and_then(|id| self.push(Value::Persistent(id))),
            b'i' => {
                // INST calls a name: refuse by that name, which says more than a number.
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                Err(self.refuse(&module, &name))
            }
            other => Err(self.cursor.error(format!("unknown opcode {other:#04x}"))),
        }
    }

    fn finish(mut self) -> Result<Pickle, WeightsError> {
        let root = self.pop()?;
        Ok(Pickle { values: self.values, root, n_bytes: self.cursor.position() })
    }

    fn protocol(&mut self) -> Result<(), WeightsError> {
        match self.cursor.u8()? {
            2..=5 => Ok(()),
            other => Err(self.cursor.error(format!("protocol {other}, expected 2 to 5"))),
        }
    }

    fn long(&mut self, n_bytes: u64) -> Result<(), WeightsError> {
        let value = self.cursor.long(n_bytes)?;
        self.push(Value::Int(value))
    }

    fn text(&mut self, n_bytes: u64) -> Result<(), WeightsError> {
        let text = self.cursor.text(n_bytes)?;
        self.push(Value::Str(text))
    }

    fn bytes(&mut self, n_bytes: u64) -> Result<(), WeightsError> {
        let bytes = self.cursor.slice(n_bytes)?.to_vec();
        self.push(Value::Bytes(bytes))
    }

    fn mark(&mut self) -> Result<(), WeightsError> {
        under("pickle marks", self.marks.len(), MAX_STACK)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn tuple_of(&mut self, n: usize) -> Result<(), WeightsError> {
        let items = self.pop_n(n)?;
        self.push(Value::Tuple(items))
    }

    fn extend_list(&mut self, new: Vec<Id>) -> Result<(), WeightsError> {
        match self.top_mut()? {
            Value::List(items) => {
                items.extend(new);
                Ok(())
            }
            other => {
                let kind = other.kind();
                Err(self.cursor.error(format!("appends to {kind}")))
            }
        }
    }

    fn extend_dict(&mut self, new: &[Id]) -> Result<(), WeightsError> {
        let (pairs, rest) = new.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.cursor.error("a dict key without a value".to_owned()));
        }
        match self.top_mut()? {
            Value::Dict { items, .. } => {
                items.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            other => {
                let kind = other.kind();
                Err(self.cursor.error(format!("sets an item of {kind}")))
            }
        }
    }

    fn memoize(&mut self, at: usize) -> Result<(), WeightsError> {
        let id = self.top()?;
        under("pickle memo", at, MAX_VALUES)?;
        if at >= self.memo.len() {
            self.memo.resize(at.saturating_add(1), None);
        }
        if let Some(slot) = self.memo.get_mut(at) {
            *slot = Some(id);
        }
        Ok(())
    }

    fn recall(&mut self, at: usize) -> Result<(), WeightsError> {
        match self.memo.get(at) {
            Some(&Some(id)) => self.push_id(id),
            _ => Err(self.cursor.error(format!("memo {at} was never set"))),
        }
    }

    fn name(&mut self, module: String, name: String) -> Result<(), WeightsError> {
        if !(self.allow)(&module, &name) {
            return Err(self.refuse(&module, &name));
        }
        self.push(Value::Name { module, name })
    }

    fn stack_name(&mut self) -> Result<(), WeightsError> {
        let texts: Vec<Option<String>> = self
            .pop_n(2)?
            .into_iter()
            .map(|id| match self.values.get(id.0) {
                Some(Value::Str(text)) => Some(text.clone()),
                _ => None,
            })
            .collect();
        match texts.as_slice() {
            [Some(module), Some(name)] => self.name(module.clone(), name.clone()),
            _ => Err(self.cursor.error("a name that is not text".to_owned())),
        }
    }

    /// REDUCE. An empty `OrderedDict` becomes a dict at once, because items are set on it next.
    fn call(&mut self) -> Result<(), WeightsError> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        match (self.value(callee), self.value(arguments)) {
            (Value::Name { module, name }, Value::Tuple(items)) => {
                let is_dict = module == "collections" && name == "OrderedDict";
                if is_dict && items.is_empty() {
                    self.push(Value::Dict { items: Vec::new(), ordered: true })
                } else if is_dict {
                    Err(self.cursor.error("an OrderedDict with arguments".to_owned()))
                } else {
                    self.push(Value::Call { callee, arguments })
                }
            }
            (callee, arguments) => {
                let problem = format!("calls {} with {}", callee.kind(), arguments.kind());
                Err(self.cursor.error(problem))
            }
        }
    }

    /// BUILD gives attributes to an object. torch.save does so for `OrderedDict._metadata`, which holds no weights.
    fn build(&mut self) -> Result<(), WeightsError> {
        let state = self.pop()?;
        let target = self.top()?;
        match (self.value(target), self.value(state)) {
            (Value::Dict { ordered: true, .. }, Value::Dict { .. }) => Ok(()),
            (target, state) => {
                let problem = format!("gives {} as attributes to {}", state.kind(), target.kind());
                Err(self.cursor.error(problem))
            }
        }
    }

    /// POP takes a MARK where that is on top, as in Python.
    fn discard(&mut self) -> Result<(), WeightsError> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn push(&mut self, value: Value) -> Result<(), WeightsError> {
        under("pickle values", self.values.len(), MAX_VALUES)?;
        let id = Id(self.values.len());
        self.values.push(value);
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), WeightsError> {
        under("pickle stack", self.stack.len(), MAX_STACK)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, WeightsError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.empty());
        }
        self.stack.pop().ok_or_else(|| self.empty())
    }

    fn pop_n(&mut self, n: usize) -> Result<Vec<Id>, WeightsError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n) {
            Some(height) if height >= floor => Ok(self.stack.split_off(height)),
            _ => Err(self.empty()),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, WeightsError> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(self.cursor.error("no MARK is set".to_owned())),
        }
    }

    fn top(&self) -> Result<Id, WeightsError> {
        self.stack.last().copied().ok_or_else(|| self.empty())
    }

    fn top_mut(&mut self) -> Result<&mut Value, WeightsError> {
        let Id(at) = self.top()?;
        let empty = self.empty();
        self.values.get_mut(at).ok_or(empty)
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id.0).unwrap_or(&Value::None)
    }

    fn refuse(&self, module: &str, name: &str) -> WeightsError {
        WeightsError::Refused { name: format!("{module}.{name}"), offset: self.cursor.opcode_at() }
    }

    fn empty(&self) -> WeightsError {
        self.cursor.error("the stack is empty".to_owned())
    }
}

fn under(what: &'static str, count: usize, limit: usize) -> Result<(), WeightsError> {
    if count < limit {
        Ok(())
    } else {
        Err(WeightsError::OverLimit { what, got: count as u64, limit: limit as u64 })
    }
}
