//! The stack machine: one opcode after the other, protocols 2 to 5 as far as the files of the field use them.

use std::collections::BTreeMap;

use crate::cursor::Cursor;
use crate::rules::running;
use crate::{Attributes, Id, MAX_VALUES, Pickle, PickleError, Rules, Value};

/// Stack and memo entries; each needs at least one opcode byte, so this is a second fence after the file's own size.
const MAX_STACK: usize = MAX_VALUES;

/// Runs the pickle at the start of `bytes` up to its STOP.
///
/// # Errors
///
/// [`PickleError::Refused`] for what `rules` do not allow, [`PickleError::Bad`] for damage,
/// [`PickleError::OverLimit`] for more values than a model can need.
pub fn run(bytes: &[u8], rules: Rules) -> Result<Pickle, PickleError> {
    let mut machine = Machine {
        cursor: Cursor::new(bytes),
        rules,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    loop {
        let opcode = machine.cursor.opcode()?;
        if opcode == b'.' {
            return machine.finish();
        }
        machine.check_rules(opcode)?;
        machine.step(opcode)?;
    }
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    rules: Rules,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    /// Sparse, because an opcode of five bytes may name any place.
    memo: BTreeMap<usize, Id>,
}

impl Machine<'_> {
    /// Refuses what a pickle of plain values does not need.
    fn check_rules(&mut self, opcode: u8) -> Result<(), PickleError> {
        let Rules::Data(allowed) = self.rules else { return Ok(()) };
        let Some(name) = running(opcode) else {
            return if allowed(opcode) {
                Ok(())
            } else {
                Err(self.cursor.error(format!("opcode {opcode:#04x} is not part of such a file")))
            };
        };
        let name = match opcode {
            b'c' | b'i' => format!("{name} {}.{}", self.cursor.line()?, self.cursor.line()?),
            0x93 => match self.stack.last_chunk().map(|ids| ids.map(|id| self.value(id))) {
                Some([Value::Str(module), Value::Str(path)]) => format!("{name} {module}.{path}"),
                _ => name.to_owned(),
            },
            _ => name.to_owned(),
        };
        Err(PickleError::Refused { name, offset: self.cursor.opcode_at() })
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
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
            0x81 if self.reads_objects() => self.pop_n(2).and_then(|parts| self.new_object(&parts)),
            0x92 if self.reads_objects() => self.pop_n(3).and_then(|parts| self.new_object(&parts)),
            b'Q' => self.pop().and_then(|id| self.push(Value::Persistent(id))),
            b'i' => {
                // INST calls a name: refuse by that name, which says more than a number.
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                Err(self.refuse(&module, &name))
            }
            other => Err(self.cursor.error(format!("unknown opcode {other:#04x}"))),
        }
    }

    fn finish(mut self) -> Result<Pickle, PickleError> {
        let root = self.pop()?;
        Ok(Pickle { values: self.values, root, n_bytes: self.cursor.position() })
    }

    fn protocol(&mut self) -> Result<(), PickleError> {
        match self.cursor.u8()? {
            2..=5 => Ok(()),
            other => Err(self.cursor.error(format!("protocol {other}, expected 2 to 5"))),
        }
    }

    fn long(&mut self, n_bytes: u64) -> Result<(), PickleError> {
        let value = self.cursor.long(n_bytes)?;
        self.push(Value::Int(value))
    }

    fn text(&mut self, n_bytes: u64) -> Result<(), PickleError> {
        let text = self.cursor.text(n_bytes)?;
        self.push(Value::Str(text))
    }

    fn bytes(&mut self, n_bytes: u64) -> Result<(), PickleError> {
        let bytes = self.cursor.slice(n_bytes)?.to_vec();
        self.push(Value::Bytes(bytes))
    }

    fn mark(&mut self) -> Result<(), PickleError> {
        under("pickle marks", self.marks.len(), MAX_STACK)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn tuple_of(&mut self, n: usize) -> Result<(), PickleError> {
        let items = self.pop_n(n)?;
        self.push(Value::Tuple(items))
    }

    fn extend_list(&mut self, new: Vec<Id>) -> Result<(), PickleError> {
        match self.top_mut()? {
            Value::List(items) => {
                items.extend(new);
                Ok(())
            }
            Value::Call { attributes: Some(attributes), .. } => {
                attributes.elements.extend(new);
                Ok(())
            }
            other => {
                let kind = other.kind();
                Err(self.cursor.error(format!("appends to {kind}")))
            }
        }
    }

    fn extend_dict(&mut self, new: &[Id]) -> Result<(), PickleError> {
        let (pairs, rest) = new.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.cursor.error("a dict key without a value".to_owned()));
        }
        match self.top_mut()? {
            Value::Dict { items, .. } => {
                items.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            Value::Call { attributes: Some(attributes), .. } => {
                attributes.items.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            other => {
                let kind = other.kind();
                Err(self.cursor.error(format!("sets an item of {kind}")))
            }
        }
    }

    fn memoize(&mut self, at: usize) -> Result<(), PickleError> {
        let id = self.top()?;
        under("pickle memo", at, MAX_VALUES)?;
        self.memo.insert(at, id);
        Ok(())
    }

    fn recall(&mut self, at: usize) -> Result<(), PickleError> {
        match self.memo.get(&at) {
            Some(&id) => self.push_id(id),
            None => Err(self.cursor.error(format!("memo {at} was never set"))),
        }
    }

    fn name(&mut self, module: String, name: String) -> Result<(), PickleError> {
        let allowed = match self.rules {
            Rules::Data(_) => false,
            Rules::Names(allow) => allow(&module, &name),
            Rules::Objects => true,
        };
        if !allowed {
            return Err(self.refuse(&module, &name));
        }
        self.push(Value::Name { module, name })
    }

    fn stack_name(&mut self) -> Result<(), PickleError> {
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
    fn call(&mut self) -> Result<(), PickleError> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        match (self.value(callee), self.value(arguments)) {
            (Value::Name { module, name }, Value::Tuple(items)) => {
                let is_dict = module == "collections" && name == "OrderedDict";
                if is_dict && items.is_empty() {
                    self.push(Value::Dict { items: Vec::new(), ordered: true })
                } else if is_dict && !self.reads_objects() {
                    Err(self.cursor.error("an OrderedDict with arguments".to_owned()))
                } else {
                    self.push_call(callee, arguments)
                }
            }
            // What a call returned is called: a method of an object, for instance.
            (Value::Call { .. }, Value::Tuple(_)) if self.reads_objects() => {
                self.push_call(callee, arguments)
            }
            (callee, arguments) => {
                let problem = format!("calls {} with {}", callee.kind(), arguments.kind());
                Err(self.cursor.error(problem))
            }
        }
    }

    /// NEWOBJ and `NEWOBJ_EX`: an instance of a class; keywords are passed over.
    fn new_object(&mut self, parts: &[Id]) -> Result<(), PickleError> {
        match parts {
            &[class, arguments, ..] if matches!(self.value(class), Value::Name { .. }) => {
                self.push_call(class, arguments)
            }
            _ => Err(self.cursor.error("an object without a class".to_owned())),
        }
    }

    fn push_call(&mut self, callee: Id, arguments: Id) -> Result<(), PickleError> {
        let attributes = self.reads_objects().then(Box::<Attributes>::default);
        self.push(Value::Call { callee, arguments, attributes })
    }

    fn reads_objects(&self) -> bool {
        matches!(self.rules, Rules::Objects)
    }

    /// BUILD gives attributes to an object. torch.save does so for `OrderedDict._metadata`, which holds no weights.
    fn build(&mut self) -> Result<(), PickleError> {
        let state = self.pop()?;
        let Id(target) = self.top()?;
        let objects = self.reads_objects();
        let state_is_dict = matches!(self.value(state), Value::Dict { .. });
        match self.values.get_mut(target) {
            Some(Value::Dict { ordered: true, .. }) if state_is_dict || objects => Ok(()),
            Some(Value::Call { attributes: Some(attributes), .. }) => {
                attributes.state = Some(state);
                Ok(())
            }
            _ => {
                let (target, state) = (self.value(Id(target)), self.value(state));
                let problem = format!("gives {} as attributes to {}", state.kind(), target.kind());
                Err(self.cursor.error(problem))
            }
        }
    }

    /// POP takes a MARK where that is on top, as in Python.
    fn discard(&mut self) -> Result<(), PickleError> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        under("pickle values", self.values.len(), MAX_VALUES)?;
        let id = Id(self.values.len());
        self.values.push(value);
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), PickleError> {
        under("pickle stack", self.stack.len(), MAX_STACK)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.empty());
        }
        self.stack.pop().ok_or_else(|| self.empty())
    }

    fn pop_n(&mut self, n: usize) -> Result<Vec<Id>, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n) {
            Some(height) if height >= floor => Ok(self.stack.split_off(height)),
            _ => Err(self.empty()),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(self.cursor.error("no MARK is set".to_owned())),
        }
    }

    fn top(&self) -> Result<Id, PickleError> {
        self.stack.last().copied().ok_or_else(|| self.empty())
    }

    fn top_mut(&mut self) -> Result<&mut Value, PickleError> {
        let Id(at) = self.top()?;
        let empty = self.empty();
        self.values.get_mut(at).ok_or(empty)
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id.0).unwrap_or(&Value::None)
    }

    fn refuse(&self, module: &str, name: &str) -> PickleError {
        PickleError::Refused { name: format!("{module}.{name}"), offset: self.cursor.opcode_at() }
    }

    fn empty(&self) -> PickleError {
        self.cursor.error("the stack is empty".to_owned())
    }
}

fn under(what: &'static str, count: usize, limit: usize) -> Result<(), PickleError> {
    if count < limit {
        Ok(())
    } else {
        Err(PickleError::OverLimit { what, got: count as u64, limit: limit as u64 })
    }
}
