//! The frame header of a JPEG, and what it asks of the scans.

use super::jpeg_markers::corrupt;
use crate::error::DecodeError;

/// `SOF0` to `SOF15`, without the three that mean something else (`DHT`, `JPG`, `DAC`).
pub(super) fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    pub(super) progressive: bool,
}

/// A channel, sampled `across` and `down` times in every unit of coded data.
#[derive(Clone, Copy)]
pub(super) struct Component {
    name: u8,
    across: u32,
    down: u32,
}

impl Frame {
    pub(super) fn read(marker: u8, segment: &[u8]) -> Result<Self, DecodeError> {
        let process = match marker {
            0xC0..=0xC2 => None,
            0xC3 | 0xC7 | 0xCB | 0xCF => Some("lossless"),
            0xC9..=0xCE => Some("arithmetic-coded"),
            _ => Some("hierarchical"),
        };
        if let Some(process) = process {
            return Err(DecodeError::Unsupported { what: format!("{process} JPEG") });
        }
        let short = || corrupt("has a frame header that is too short");
        let (&[precision, h1, h0, w1, w0, components], rest) =
            segment.split_first_chunk().ok_or_else(short)?;
        if precision != 8 {
            return Err(DecodeError::Unsupported { what: format!("JPEG of {precision} bits a sample") });
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(DecodeError::Unsupported { what: format!("JPEG of {components} components") });
        }
        let components = rest.as_chunks::<3>().0.get(..usize::from(components)).ok_or_else(short)?;
        let components: Vec<Component> = (components.iter())
            .map(|&[name, factors, _]| Component {
                name,
                across: (factors >> 4).into(),
                down: (factors & 15).into(),
            })
            .collect();
        if components.iter().any(|c| !(1..=4).contains(&c.across) || !(1..=4).contains(&c.down)) {
            return Err(corrupt("has a sampling factor that is not 1 to 4"));
        }
        Ok(Self {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            components,
            progressive: marker == 0xC2,
        })
    }

    /// How many blocks a scan has. Fails if its data cannot be all of it: too few bytes, or restarts are missing.
    pub(super) fn check_scan(
        &self,
        header: &[u8],
        bytes: usize,
        restarts: usize,
        interval: u16,
    ) -> Result<u64, DecodeError> {
        let short = || corrupt("has a scan header that is too short");
        let (&count, rest) = header.split_first().ok_or_else(short)?;
        let (names, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(short)?;
        let &first_coefficient = rest.first().ok_or_else(short)?;
        let names = names.as_chunks::<2>().0.iter().map(|[name, _]| name);
        let of_name = |name: &u8| self.components.iter().find(|c| c.name == *name).copied();
        let components: Vec<Component> = names.filter_map(of_name).collect();
        if components.is_empty() || components.len() != usize::from(count) {
            return Err(corrupt("has a scan of components that its frame does not have"));
        }
        let (units, blocks) = self.units(&components);
        let needed = if interval == 0 { 0 } else { units.div_ceil(interval.into()).saturating_sub(1) };
        // One at the very end harms nobody.
        if !(needed..=needed + 1).contains(&(restarts as u64)) {
            return Err(corrupt(&format!("has {restarts} restart markers where its scan needs {needed}")));
        }
        // No code is shorter than a bit; a block of a sequential picture needs two.
        let bits = if self.progressive { blocks } else { 2 * blocks };
        if first_coefficient == 0 && (bytes as u64) * 8 < bits {
            return Err(corrupt(&format!("has {bytes} bytes of data for {blocks} blocks")));
        }
        Ok(blocks)
    }

    /// Blocks of the whole picture.
    pub(super) fn blocks(&self) -> u64 {
        self.units(&self.components).1
    }

    /// Units of coded data in a scan of these components, and blocks of 8 x 8 samples.
    fn units(&self, components: &[Component]) -> (u64, u64) {
        let across = self.components.iter().map(|c| c.across).max().unwrap_or(1);
        let down = self.components.iter().map(|c| c.down).max().unwrap_or(1);
        if let [only] = components {
            let width = (self.width * only.across).div_ceil(across).div_ceil(8);
            let height = (self.height * only.down).div_ceil(down).div_ceil(8);
            let blocks = u64::from(width) * u64::from(height);
            return (blocks, blocks);
        }
        let units = u64::from(self.width.div_ceil(8 * across)) * u64::from(self.height.div_ceil(8 * down));
        (units, units * components.iter().map(|c| u64::from(c.across * c.down)).sum::<u64>())
    }
}
