//! `patchcore calibrate`: thresholds of a model from new good pictures.

use crate::args::{Calibrate, Shown};
use crate::commands::fit::good_pictures;
use crate::exit::{Code, Failure};
use crate::oddities::Watched;
use crate::progress::Bars;
use crate::targets::{Sources, claim_file, may_write};
use crate::thresholds::{promises, thresholds_json};
use crate::{backbone, output};
use patchcore_files::shown;
use serde_json::json;

pub(crate) fn run(args: &Calibrate, how: Shown) -> Result<Code, Failure> {
    let output = claim_file(&args.output)?;
    let mut model = backbone::open_model(&args.model, &args.weights)?;
    let good = good_pictures(&args.good, model.fitted().training.intensity, args.pictures.limits())?;
    may_write(&output, args.force, &Sources::of(&args.weights).and([&args.model]).and(&good.paths))?;
    let watched = Watched::new(&good);
    model.calibrate(&watched, args.rates.rates(), &Bars::new(how))?;
    let oddities = watched.oddities();
    let fitted = model.fitted();
    fitted.save(&args.output, args.force)?;
    if how.json {
        let summary = json!({
            "model": args.output.to_string_lossy(),
            "pictures": good.paths.len(),
            "warnings": oddities.json(),
            "thresholds": fitted.calibration.as_ref().map(thresholds_json),
        });
        output::line(&summary.to_string())?;
    } else {
        output::line(&format!("calibrated {} on {} pictures", shown(&args.output), good.paths.len()))?;
        promises(fitted, 9)?;
    }
    oddities.tell();
    Ok(Code::Done)
}
