//! The options of all commands that read pictures: what is refused.

use super::numbers::{bytes, whole};
use clap::Args as Group;
use patchcore_image::Limits;

/// What is asked of a picture file.
#[derive(Group, Clone, Copy, Default)]
pub(crate) struct PictureOptions {
    /// Refuse a picture whose ending names another format than its content is, instead of warning
    #[arg(long, help_heading = "Pictures")]
    strict_ext: bool,

    /// Refuse what a working camera does not take: a picture that is all black, all white or shows nothing, or has a dead
    /// row or column; predict also one of another size than all training pictures, or with colours where they have none
    #[arg(long, help_heading = "Pictures")]
    quality_gate: bool,

    /// Longest side that is read [default: 16384]
    #[arg(long, value_name = "PIXELS", value_parser = whole(1..=u32::MAX), help_heading = "Pictures")]
    max_side: Option<u32>,

    /// Most pixels that are read of one picture [default: 67108864]
    #[arg(long, value_name = "PIXELS", value_parser = whole(1..=u64::MAX), help_heading = "Pictures")]
    max_pixels: Option<u64>,

    /// Most memory that decoding one picture may take [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Pictures")]
    max_decode_memory: Option<u64>,

    /// Largest picture file that is read [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Pictures")]
    max_file_size: Option<u64>,
}

impl PictureOptions {
    pub(crate) fn limits(self) -> Limits {
        let own = Limits::default();
        Limits {
            max_side: self.max_side.unwrap_or(own.max_side),
            max_pixels: self.max_pixels.unwrap_or(own.max_pixels),
            max_alloc: self.max_decode_memory.unwrap_or(own.max_alloc),
            max_file_bytes: self.max_file_size.unwrap_or(own.max_file_bytes),
            strict_names: self.strict_ext,
            quality_gate: self.quality_gate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        pictures: PictureOptions,
    }

    #[test]
    fn the_defaults_that_help_tells_are_those_in_force() {
        let words =
            "x --max-side 16384 --max-pixels 67108864 --max-decode-memory 256MiB --max-file-size 256MiB";
        let told = Words::try_parse_from(words.split(' ')).unwrap().pictures.limits();
        assert_eq!(told, Limits::default());
        assert_eq!(PictureOptions::default().limits(), Limits::default());
    }
}
