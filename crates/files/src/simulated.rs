//! A disk in memory whose calls can fail and whose power can be cut: what was not flushed then is there or is not, part by
//! part and in any order.

#![cfg(unix)]

use crate::storage::Storage;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Bytes that are there together or not at all.
const SECTOR: usize = 4;
/// The system's number of a failing device.
pub(crate) const EIO: i32 = 5;

/// What lies on a disk.
#[derive(Clone, Default)]
pub(crate) struct Image {
    names: BTreeMap<PathBuf, usize>,
    files: Vec<Vec<u8>>,
}

/// A change that a power cut lets happen or not.
#[derive(Clone)]
enum Change {
    Bytes { file: usize, at: usize, bytes: Vec<u8> },
    Length { file: usize, len: usize },
    Names(Vec<(PathBuf, Option<usize>)>),
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// With the system's error of this number; a write has written half by then.
    System(i32),
    /// A write writes half and says so; other calls do not fail.
    Short,
    /// A rename is done and reported as failed, as over a network; other calls just fail.
    Late,
}

/// Which calls fail: the `call`-th, counted from 1, or all from there on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    pub(crate) call: usize,
    pub(crate) for_ever: bool,
}

/// The disk at one moment: what is safe, and what is on its way.
#[derive(Clone, Default)]
pub(crate) struct Moment {
    durable: Image,
    pending: Vec<Change>,
}

#[derive(Default)]
struct State {
    live: Image,
    now: Moment,
    past: Vec<Moment>,
    plan: Option<Plan>,
    calls: usize,
    flushed: Vec<usize>,
}

/// The disk.
#[derive(Default)]
pub(crate) struct Simulated {
    state: RefCell<State>,
}

impl Image {
    pub(crate) fn read(&self, path: &Path) -> Option<&[u8]> {
        self.names.get(path).map(|&file| self.files[file].as_slice())
    }

    pub(crate) fn names(&self) -> Vec<&Path> {
        self.names.keys().map(PathBuf::as_path).collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Bytes { file, at, bytes } => {
                let end = at + bytes.len();
                self.grow(*file, end);
                self.files[*file][*at..end].copy_from_slice(bytes);
            }
            Change::Length { file, len } => self.grow(*file, *len),
            Change::Names(names) => {
                for (path, file) in names {
                    match file {
                        Some(file) => {
                            self.grow(*file, 0);
                            self.names.insert(path.clone(), *file);
                        }
                        None => drop(self.names.remove(path)),
                    }
                }
            }
        }
    }

    /// Bytes that never came are zeros.
    fn grow(&mut self, file: usize, len: usize) {
        if self.files.len() <= file {
            self.files.resize(file + 1, Vec::new());
        }
        let bytes = &mut self.files[file];
        bytes.resize(len.max(bytes.len()), 0);
    }
}

impl Change {
    fn is_of_file(&self, wanted: usize) -> bool {
        match self {
            Self::Bytes { file, .. } | Self::Length { file, .. } => *file == wanted,
            Self::Names(_) => false,
        }
    }
}

impl Moment {
    /// How many changes are on their way.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The disk after a power cut from which these changes were spared, in this order.
    pub(crate) fn cut(&self, spared: &[usize]) -> Image {
        let mut image = self.durable.clone();
        for &i in spared {
            image.apply(&self.pending[i]);
        }
        image
    }

    /// Makes some changes safe.
    fn settle(&mut self, which: impl Fn(&Change) -> bool) {
        let (done, left) = self.pending.drain(..).partition::<Vec<_>, _>(which);
        for change in &done {
            self.durable.apply(change);
        }
        self.pending = left;
    }
}

impl Simulated {
    /// A disk that holds this.
    pub(crate) fn holding(image: Image) -> Self {
        let now = Moment { durable: image.clone(), pending: Vec::new() };
        Self { state: RefCell::new(State { live: image, now, ..State::default() }) }
    }

    /// From now on calls fail by this plan.
    pub(crate) fn plan(&self, plan: Plan) {
        self.state.borrow_mut().plan = Some(plan);
    }

    /// Calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.state.borrow().calls
    }

    /// What a program sees that runs on.
    pub(crate) fn live(&self) -> Image {
        self.state.borrow().live.clone()
    }

    /// The disk before each call and now.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let state = self.state.borrow();
        state.past.iter().chain([&state.now]).cloned().collect()
    }

    /// Whether a file was flushed more than once.
    pub(crate) fn flushed_again(&self) -> bool {
        let state = self.state.borrow();
        state.flushed.iter().enumerate().any(|(i, file)| state.flushed[..i].contains(file))
    }
}

impl State {
    /// Counts a call and says how it is to fail.
    fn call(&mut self) -> Option<Fault> {
        self.past.push(self.now.clone());
        self.calls += 1;
        let plan = self.plan.filter(|p| p.call == self.calls || p.for_ever && p.call < self.calls)?;
        Some(plan.fault)
    }

    fn change(&mut self, change: Change) {
        self.live.apply(&change);
        self.now.pending.push(change);
    }

    fn append(&mut self, file: usize, bytes: &[u8]) {
        let len = self.live.files[file].len();
        for (i, sector) in bytes.chunks(SECTOR).enumerate() {
            self.change(Change::Bytes { file, at: len + i * SECTOR, bytes: sector.to_vec() });
        }
        self.change(Change::Length { file, len: len + bytes.len() });
    }

    /// Counts a call that is done or fails.
    fn step(&mut self) -> io::Result<()> {
        self.call().and_then(Fault::error).map_or(Ok(()), Err)
    }

    fn rename(&mut self, from: &Path, to: &Path, force: bool) -> io::Result<()> {
        let fault = self.call();
        if let Some(Fault::System(number)) = fault {
            return Err(io::Error::from_raw_os_error(number));
        }
        if !force && self.live.names.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = *self.live.names.get(from).ok_or(ErrorKind::NotFound)?;
        self.change(Change::Names(vec![(from.into(), None), (to.into(), Some(file))]));
        fault.and_then(Fault::error).map_or(Ok(()), Err)
    }
}

impl Fault {
    /// What a call says that is no write.
    fn error(self) -> Option<io::Error> {
        match self {
            Self::System(number) => Some(io::Error::from_raw_os_error(number)),
            Self::Late => Some(io::Error::from_raw_os_error(EIO)),
            Self::Short => None,
        }
    }
}

impl Storage for Simulated {
    type File = usize;

    fn create(&self, path: &Path) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        state.step()?;
        if state.live.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = state.live.files.len();
        state.change(Change::Names(vec![(path.into(), Some(file))]));
        Ok(file)
    }

    fn write(&self, file: &mut usize, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        let fault = state.call();
        let some = if fault.is_none() { bytes.len() } else { bytes.len().div_ceil(2) };
        let error = fault.and_then(Fault::error);
        // An interrupted write has written nothing.
        if error.as_ref().is_none_or(|error| error.kind() != ErrorKind::Interrupted) {
            state.append(*file, &bytes[..some]);
        }
        error.map_or(Ok(some), Err)
    }

    /// When it fails, the bytes are lost for good, and it would not fail again.
    fn flush(&self, file: &usize) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        let done = state.step();
        state.flushed.push(*file);
        match &done {
            Ok(()) => state.now.settle(|change| change.is_of_file(*file)),
            Err(_) => state.now.pending.retain(|change| !change.is_of_file(*file)),
        }
        done
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.borrow_mut().rename(from, to, true)
    }

    fn rename_to_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.borrow_mut().rename(from, to, false)
    }

    fn flush_folder(&self, _folder: &Path) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.step()?;
        state.now.settle(|change| matches!(change, Change::Names(_)));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.step()?;
        if !state.live.names.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change(Change::Names(vec![(path.into(), None)]));
        Ok(())
    }
}
