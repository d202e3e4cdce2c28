//! Feature maps of a network from an ONNX file: any convolutional network or vision transformer that `PyTorch` exports.
//!
//! The file is read strictly (`proto`), weights beside it are fetched (`external`), numbers that no network has are refused
//! (`check`). The graph is cut after the tapped tensors (`cut`) and written anew, these tensors its only outputs: so
//! whatever the engine merges, they stay. rten computes it (`runtime`), one picture at a time, and `grid` finds height, width
//! and channels in what comes out.
//!
//! ```text
//! file -> proto -> external -> check -> cut -> proto -> runtime -> grid -> feature maps [n, h, w, c]
//! ```
//!
//! # Exporting a network
//!
//! Either exporter of `torch.onnx` will do. Export the network in `eval()` mode and in `float32`; the input is a picture
//! `[1, 3, h, w]`, normalised as `ImageNet`'s are.
//!
//! ```python
//! import timm, torch
//!
//! net = timm.create_model("vit_small_patch16_224", pretrained=True).eval()
//! picture = torch.zeros(1, 3, 224, 224)
//! torch.onnx.export(net, (picture,), "vit_small.onnx", input_names=["image"], dynamo=False, opset_version=17)
//! torch.onnx.export(net, (picture,), "vit_small.onnx", input_names=["image"], dynamo=True)
//! ```
//!
//! With `dynamo=True` the weights go to `vit_small.onnx.data`, which must stay beside the file (or `external_data=False`).
//! A network exported so takes pictures of this one size. For others, of a network that can: `dynamic_axes={"image": {2:
//! "h", 3: "w"}}` with `dynamo=False`. Operator sets before 13 and after 25, control flow and
//! `float16` are refused.
//!
//! # Names of layers
//!
//! A layer is, in this order,
//!
//! - a tensor: `/layer2/layer2.1/relu_1/Relu_output_0` (`dynamo=False`), `relu_8` (`dynamo=True`),
//! - a node with one output: `/layer2/layer2.1/relu_1/Relu`, `node_relu_8`,
//! - a module whose nodes give one tensor to all others: `layer2`, `blocks.5`, `layers.1`. These are the names in Python.
//!
//! Both exporters keep the modules' names, so `layer2` and `layer3` of a ResNet, `blocks.N` of a `ViT` and `layers.N`
//! of a Swin are found as they are. Where a module gives several tensors, the error lists them. To be independent of
//! that, make the layers outputs with names of your own:
//!
//! ```python
//! class Taps(torch.nn.Module):
//!     def __init__(self, net, layers):
//!         super().__init__()
//!         self.net, self.layers, self.found = net, layers, {}
//!         for name in layers:
//!             net.get_submodule(name).register_forward_hook(
//!                 lambda module, given, result, name=name: self.found.update({name: result}))
//!
//!     def forward(self, picture):
//!         self.net(picture)
//!         return tuple(self.found[name] for name in self.layers)
//!
//! layers = ["blocks.5", "blocks.8"]
//! torch.onnx.export(Taps(net, layers), (picture,), "vit_small.onnx", input_names=["image"], output_names=layers,
//!                   dynamo=False, opset_version=17)
//! ```
//!
//! # Layouts
//!
//! Maps `[1, c, h, w]` and `[1, h, w, c]` and tokens `[1, tokens, c]` are told apart by the operation that made them, where it
//! leaves no doubt (a convolution has its channels second, a product with weights last), and else by the picture's
//! aspect. Tokens are laid out row by row on the grid of a patch size that fits, after at most eight prefix tokens (class,
//! distillation, registers), which are dropped. What can be read in two ways is an error that asks for
//! [`OnnxOptions::layout`] or [`OnnxOptions::prefix_tokens`].
//!
//! # Results
//!
//! Pictures are run one by one: a result depends neither on the batch nor on the number of threads. `tests/golden.rs` compares
//! a `ViT` and a Swin with `PyTorch`, `tests/own.rs` three small networks with onnxruntime: within 1e-5 of the largest feature.
//! [`fingerprint`](patchcore_backbone::FeatureExtractor::fingerprint) is SHA-256 over the file's bytes, followed by those of its
//! external data, files in the order of their names.
//!
//! # Damage and malice
//!
//! A damaged file is an error with the file's name. Nothing is allocated that the file does not hold while it is read, and
//! nothing is read outside its folder. A graph, though, is a program: one that was written to be huge can take as much memory
//! and time as it likes when it is run.

mod channel_axis;
mod check;
mod complete;
mod cut;
mod error;
mod external;
mod grid;
mod layout;
mod mistaken;
mod network;
mod proto;
mod runtime;

pub use error::{OnnxError, OnnxErrorKind};
pub use layout::Layout;
pub use network::{OnnxBackbone, OnnxOptions};
