//! The engine that computes the graph: rten, behind one door.

use rayon::current_num_threads;
use rten::{Model, ModelOptions, RunOptions, ThreadPool, Value};
use rten_tensor::{NdTensorView, Tensor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// A network that is ready to run.
pub(crate) struct Runtime {
    model: Model,
    /// The threads of the last run.
    pool: Mutex<Option<(usize, Arc<ThreadPool>)>>,
}

impl Runtime {
    /// Takes an ONNX file that [`proto`](crate::proto) wrote.
    pub(crate) fn load(onnx: Vec<u8>) -> Result<Self, String> {
        let load =
            || ModelOptions::with_all_ops().prepack_weights(true).load(onnx).map_err(|e| e.to_string());
        Ok(Self { model: guarded(load)?, pool: Mutex::new(None) })
    }

    /// What the network's outputs are for one picture, `[1, 3, h, w]`, on as many threads as the current pool has.
    pub(crate) fn run(&self, picture: &[f32], [h, w]: [usize; 2]) -> Result<Vec<Tensor<f32>>, String> {
        let options = RunOptions::default().with_thread_pool(Some(self.pool()));
        let run = || {
            let input = *self.model.input_ids().first().ok_or("the network has no input")?;
            let picture = NdTensorView::from_data([1, 3, h, w], picture);
            let run = self.model.run(vec![(input, picture.into())], self.model.output_ids(), Some(options));
            run.map_err(|e| e.to_string())
        };
        let outputs = guarded(run)?.into_iter().map(|output| match output {
            Value::FloatTensor(tensor) => Ok(tensor),
            other => Err(format!("a layer gives {}, not numbers in f32", other.dtype())),
        });
        outputs.collect()
    }

    fn pool(&self) -> Arc<ThreadPool> {
        let threads = current_num_threads();
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match &*pool {
            Some((of, pool)) if *of == threads => pool.clone(),
            _ => pool.insert((threads, Arc::new(ThreadPool::with_num_threads(threads)))).1.clone(),
        }
    }
}

/// The engine checks shapes while it runs, some of them by panics: a graph whose parts are fine and do not fit together (a
/// permutation of other axes than there are, a bias of another length) is an error here.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(format!("the engine gave up: {text}"))
    })
}
