//! A network from an ONNX file, cut after its tapped layers and ready to run.

use crate::channel_axis::channel_axes;
use crate::complete::complete;
use crate::cut::Origins;
use crate::grid::Tap;
use crate::proto::{Axis, Input, Model, write};
use crate::runtime::Runtime;
use crate::{Layout, OnnxError, check, external, mistaken};
use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_files::RegularFile;
use patchcore_tensor::Tensor;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

/// What an ONNX file does not say itself.
///
/// The layouts and the number of prefix tokens change the maps and are no part of the fingerprint: whoever stores a
/// model stores them with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// The order of axes of all layers; `None`: it is recognised, and where it could be several, that is an error.
    pub layout: Option<Layout>,
    /// The order of axes of single layers, by the name under which they are extracted; these go before `layout`.
    pub layer_layouts: BTreeMap<String, Layout>,
    /// Tokens before the first patch (class, distillation, registers); `None`: found from the picture's size and a patch
    /// size that fits.
    pub prefix_tokens: Option<usize>,
    /// Only [`Precision::F32`] is computed.
    pub precision: Precision,
}

/// A network from an ONNX file that gives the feature maps of the layers asked for.
///
/// Layers are names of tensors of the graph, outputs or not, or of nodes with one output.
///
/// ```
/// use patchcore_backbone::FeatureExtractor;
/// use patchcore_onnx::{OnnxBackbone, OnnxOptions};
/// use patchcore_tensor::Tensor;
///
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/onnx/tokens.onnx");
/// let layers = ["block".to_string()];
/// let network = OnnxBackbone::load(file.as_ref(), &layers, &OnnxOptions::default())?;
/// assert_eq!(network.name(), "tokens");
/// // A class token and two registers are dropped, 24 tokens are left.
/// let maps = network.features(&Tensor::zeros([1, 32, 48, 3]))?;
/// assert_eq!(maps[0].shape(), [1, 4, 6, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OnnxBackbone {
    name: String,
    layers: Vec<String>,
    fingerprint: String,
    taps: Vec<Tap>,
    /// Height and width that the input takes.
    sizes: [Axis; 2],
    runtime: Runtime,
}

impl OnnxBackbone {
    /// The network of the ONNX file at `path`, tapped at `layers`. Only what the layers need is kept and run.
    ///
    /// # Errors
    /// An [`OnnxError`] that names the file: it cannot be read, is no ONNX file, is damaged, needs what the engine does not
    /// have, or has no such layer.
    pub fn load(path: &Path, layers: &[String], options: &OnnxOptions) -> Result<Self, OnnxError> {
        let load = || {
            let Prepared { onnx, fingerprint, taps, sizes } = prepare(path, layers, options)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let runtime = Runtime::load(onnx).map_err(OnnxError::Unsupported)?;
            Ok(Self { name, layers: layers.to_vec(), fingerprint, taps, sizes, runtime })
        };
        load().map_err(|error: OnnxError| error.in_file(path))
    }
}

/// Protocol buffers count their bytes in 31 bits.
const LONGEST: u64 = i32::MAX as u64;

/// A network that has been read, checked and cut.
struct Prepared {
    /// What is left of it, as an ONNX file.
    onnx: Vec<u8>,
    fingerprint: String,
    taps: Vec<Tap>,
    sizes: [Axis; 2],
}

fn prepare(path: &Path, layers: &[String], options: &OnnxOptions) -> Result<Prepared, OnnxError> {
    if options.precision != Precision::F32 {
        return Err(OnnxError::Precision(options.precision));
    }
    if let Some(layer) = options.layer_layouts.keys().find(|layer| !layers.contains(layer)) {
        return Err(OnnxError::StrayLayout { layer: layer.clone() });
    }
    let file = RegularFile::open(path)?;
    mistaken::check(&file.read_range(0, mistaken::HEAD.min(file.len()))?)?;
    if file.len() > LONGEST {
        let problem = format!("it has {} bytes, and no ONNX file has more than {LONGEST}", file.len());
        return Err(OnnxError::Damaged(problem));
    }
    let bytes = file.read_range(0, file.len())?;
    let model = Model::parse(&bytes)?;
    let data = external::read(&model, path.parent().unwrap_or(Path::new("")))?;
    let fingerprint = fingerprint(&bytes, &data);
    let mut model = external::resolve(model, &data)?;
    complete(&mut model);
    check::check(&model)?;

    let origins = Origins::new(&model)?;
    let tensors = layers.iter().map(|layer| origins.tensor(layer)).collect::<Result<Vec<_>, _>>()?;
    if tensors.is_empty() {
        return Err(OnnxError::NoLayers);
    }
    for (i, layer) in layers.iter().enumerate() {
        if tensors[..i].contains(&tensors[i]) {
            return Err(OnnxError::RepeatedLayer { layer: layer.clone() });
        }
    }
    let cut = origins.cut(&tensors)?;
    let sizes = picture_axes(cut.input)?;
    let constants: HashSet<&str> = cut.constants.iter().map(|constant| constant.name).collect();
    let channel_axes = channel_axes(&cut.nodes, &constants);
    let taps = layers.iter().zip(&tensors).map(|(layer, tensor)| Tap {
        layer: layer.clone(),
        declared: options.layer_layouts.get(layer).copied().or(options.layout),
        prefix_tokens: options.prefix_tokens,
        channel_axis: channel_axes.get(tensor).copied(),
    });
    let taps = taps.collect();
    let axes = [Axis::Fixed(1), Axis::Fixed(3), sizes[0], sizes[1]];
    let onnx = write(&model.opsets, &cut.nodes, &cut.constants, (cut.input.name, &axes), &tensors);
    Ok(Prepared { onnx, fingerprint, taps, sizes })
}

/// SHA-256 over the file's bytes and, after them, those of its files of external data in the order of their names.
fn fingerprint(bytes: &[u8], data: &external::ExternalData) -> String {
    let mut hash = Sha256::new();
    hash.update(bytes);
    for bytes in data.values() {
        hash.update(bytes);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Height and width of an input that takes a picture `[1, 3, h, w]`.
fn picture_axes(input: &Input) -> Result<[Axis; 2], OnnxError> {
    let wrong = |problem: String| OnnxError::Unsupported(format!("its input {:?} {problem}", input.name));
    if input.dtype != 1 {
        return Err(wrong("does not take float32 numbers: export it in float32".into()));
    }
    match input.axes.as_deref() {
        None => Ok([Axis::Free; 2]),
        Some(&[batch, channels, height, width]) => {
            if let Axis::Fixed(n) = batch
                && n != 1
            {
                return Err(wrong(format!(
                    "takes {n} pictures at a time: export it for one, or for any number"
                )));
            }
            if ![Axis::Free, Axis::Fixed(3)].contains(&channels) {
                return Err(wrong(
                    "does not take [n, 3, h, w]: its second axis must be the three colours".into(),
                ));
            }
            Ok([height, width])
        }
        Some(axes) => Err(wrong(format!("has {} axes, a picture has [n, 3, h, w]", axes.len()))),
    }
}

impl FeatureExtractor for OnnxBackbone {
    fn name(&self) -> &str {
        &self.name
    }

    fn layers(&self) -> &[String] {
        &self.layers
    }

    fn precision(&self) -> Precision {
        Precision::F32
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        let [n, height, width, channels] = pictures.shape();
        if channels != 3 {
            let backbone = self.name.clone();
            return Err(BackboneError::Channels { backbone, got: channels, expected: 3 });
        }
        self.check_size([height, width])?;
        maps.resize_with(self.taps.len(), Tensor::default);
        for map in &mut *maps {
            map.reset([n, 0, 0, 0]);
        }
        let mut planes = vec![0.0; height * width * 3];
        for i in 0..n {
            for (at, pixel) in pictures.picture(i).chunks_exact(3).enumerate() {
                for (colour, value) in pixel.iter().enumerate() {
                    planes[colour * height * width + at] = *value;
                }
            }
            let outputs = self.runtime.run(&planes, [height, width]).map_err(OnnxError::Unsupported);
            let taken = outputs.and_then(|outputs| self.take(outputs, [height, width], i, maps));
            taken.map_err(|error| BackboneError::Network {
                backbone: self.name.clone(),
                source: Box::new(error),
            })?;
        }
        Ok(())
    }
}

impl OnnxBackbone {
    /// Puts what one picture gave at place `i` of `maps`.
    fn take(
        &self,
        outputs: Vec<rten_tensor::Tensor<f32>>,
        picture: [usize; 2],
        i: usize,
        maps: &mut [Tensor],
    ) -> Result<(), OnnxError> {
        for ((tap, output), map) in self.taps.iter().zip(outputs).zip(maps) {
            let wrong =
                |problem: String| OnnxError::Unsupported(format!("layer {:?} gives {problem}", tap.layer));
            let grid = tap.grid(rten_tensor::Layout::shape(&output).as_ref(), picture)?;
            let shape = [grid.height, grid.width, grid.channels];
            let n = map.shape()[0];
            if i == 0 {
                map.reset([n, shape[0], shape[1], shape[2]]);
            }
            if map.shape()[1..] != shape {
                return Err(wrong("maps of other shapes for other pictures".into()));
            }
            let values = shape.iter().product::<usize>();
            let values = &mut map.data_mut()[i * values..(i + 1) * values];
            grid.copy(&output.into_data(), values);
            if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                return Err(wrong(format!("a value that is not finite, at {index}")));
            }
        }
        Ok(())
    }

    fn check_size(&self, got: [usize; 2]) -> Result<(), BackboneError> {
        let fits = |(axis, got): (&Axis, &usize)| *axis == Axis::Free || *axis == Axis::Fixed(*got);
        if self.sizes.iter().zip(&got).all(fits) {
            return Ok(());
        }
        let axis = |axis| match axis {
            Axis::Fixed(size) => size.to_string(),
            Axis::Free => "any".into(),
        };
        Err(BackboneError::PictureSize {
            backbone: self.name.clone(),
            height: got[0],
            width: got[1],
            expected: format!("{} x {}", axis(self.sizes[0]), axis(self.sizes[1])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_must_take_one_picture() {
        use Axis::{Fixed, Free};
        let axes = |dtype, axes: &[Axis]| {
            picture_axes(&Input { name: "x", dtype, axes: Some(axes.to_vec()) }).map_err(|e| e.to_string())
        };
        assert_eq!(axes(1, &[Free, Fixed(3), Free, Fixed(224)]), Ok([Free, Fixed(224)]));
        assert_eq!(axes(1, &[Fixed(1), Free, Fixed(5), Free]), Ok([Fixed(5), Free]));
        assert!(picture_axes(&Input { name: "x", dtype: 1, axes: None }).is_ok());
        assert!(
            axes(1, &[Fixed(2), Fixed(3), Free, Free]).unwrap_err().contains("takes 2 pictures at a time")
        );
        assert!(axes(1, &[Free, Free, Free, Fixed(3)]).is_ok(), "nothing says that this is not 3 columns");
        assert!(
            axes(1, &[Fixed(1), Fixed(224), Fixed(224), Fixed(3)]).unwrap_err().contains("three colours")
        );
        assert!(axes(1, &[Free, Fixed(3), Free]).unwrap_err().contains("has 3 axes"));
        assert!(axes(10, &[Free; 4]).unwrap_err().contains("float32"));
    }
}
