//! `patchcore run`: every category of a data set fitted and measured, as the original's training script does it.

use crate::args::{Run, Shown};
use crate::commands::evaluate::{Measuring, print, write_tables};
use crate::exit::{Code, Failure};
use crate::oddities::Watched;
use crate::progress::Bars;
use crate::targets::{make_folder, new_folder};
use crate::{backbone, config, dataset, output};
use patchcore::Files;
use patchcore_files::shown;

pub(crate) fn run(args: &Run, how: Shown) -> Result<Code, Failure> {
    // What is not there is told before hours of work, and before anything is written.
    let members = config::members(&args.model)?;
    let dataset = dataset::open(&args.dataset, args.layout.name)?;
    let categories = dataset::named(&dataset, &args.category)?;
    let networks = backbone::networks(&members, &config::weights(&args.model))?;
    let method = || backbone::method_on(members.clone(), networks.clone());
    method()?;
    let folder = new_folder(&args.results.join(&args.project), &args.group)?;
    let (models, pictures) = (folder.join("models"), folder.join("segmentation_images"));
    if args.save_models {
        make_folder(&models)?;
    }
    let limits = args.pictures.limits();
    let measuring = Measuring {
        dataset: &dataset,
        asked: &args.options,
        thresholds: [None; 2],
        folder: args.save_pictures.then_some(pictures.as_path()),
        limits,
        how,
    };
    let (mut results, mut leaks, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for category in &categories {
        let paths = category.train.iter().map(|sample| sample.path.clone()).collect();
        let files =
            Files { paths, root: args.dataset.clone(), limits, intensity: config::intensity(&args.model) };
        let watched = Watched::new(&files);
        let model = method()?.fit(&watched, &Bars::telling(how))?;
        watched.oddities().tell();
        if args.save_models {
            model.fitted().save(&models.join(format!("{}.patchcore", category.name)), false)?;
        }
        leaks.extend(patchcore_evaluation::leaks(
            &model.fitted().training,
            category,
            &limits,
            &Bars::new(how),
        )?);
        results.push(measuring.category(&model, category, None, &mut faults)?);
        // After each category, so that a later one's failure loses nothing.
        write_tables(&folder, dataset.layout(), &results)?;
    }
    if !leaks.is_empty() {
        output::warn(&format!(
            "{} test pictures are among those to fit on: the measures are too good (--json lists them)",
            leaks.len()
        ));
    }
    print(&results, &leaks, how)?;
    if !how.json {
        output::line(&format!("results in {}", shown(&folder)))?;
    }
    let pictures = results.iter().map(|result| result.pictures.len()).sum();
    Failure::of_faults(faults, pictures).map(|()| Code::Done)
}
