//! A small weights file that the table of known weights takes for torchvision's `resnet18-f37072fd.pth`.

/// Eight bytes at the end, found by trying, with which the SHA-256 of the file starts like that of the real one. So the
/// program's own table serves in tests, without a way around it and without 45 MB.
const SOUGHT: u64 = 2_747_927_413;

/// The name that the table knows.
pub(crate) const NAME: &str = "resnet18-f37072fd.pth";

/// A safetensors file with what a ResNet-18 has up to `layer3`, as halves by a formula.
pub(crate) fn file() -> Vec<u8> {
    with_end(SOUGHT)
}

fn with_end(end: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, shape) in tensors() {
        let from = data.len();
        let values: usize = shape.iter().product();
        // Halves from 0.0078 to 0.031.
        data.extend((0..values).flat_map(|i| (0x2000 + (i * 37 % 2039) as u16).to_le_bytes()));
        let to = data.len();
        lines.push(format!(r#""{name}":{{"dtype":"F16","shape":{shape:?},"data_offsets":[{from},{to}]}}"#));
    }
    let (from, to) = (data.len(), data.len() + 8);
    lines.push(format!(r#""sought":{{"dtype":"U8","shape":[8],"data_offsets":[{from},{to}]}}"#));
    let mut header = format!("{{{}}}", lines.join(","));
    header += &" ".repeat(header.len().next_multiple_of(64) + 56 - header.len());
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data, &end.to_le_bytes()].concat()
}

fn tensors() -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    let mut layer = |conv: String, norm: String, shape: [usize; 4]| {
        all.push((format!("{conv}.weight"), shape.to_vec()));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            all.push((format!("{norm}.{part}"), vec![shape[0]]));
        }
    };
    layer("conv1".into(), "bn1".into(), [64, 3, 7, 7]);
    let mut ci = 64;
    for (stage, co) in [(1, 64), (2, 128), (3, 256)] {
        for block in 0..2 {
            let at = format!("layer{stage}.{block}");
            if ci != co {
                layer(format!("{at}.downsample.0"), format!("{at}.downsample.1"), [co, ci, 1, 1]);
            }
            layer(format!("{at}.conv1"), format!("{at}.bn1"), [co, ci, 3, 3]);
            layer(format!("{at}.conv2"), format!("{at}.bn2"), [co, co, 3, 3]);
            ci = co;
        }
    }
    all
}
