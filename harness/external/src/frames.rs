//! What programs say, read without the programs: no answer, however wrong, may do more than be refused. Called by a fuzz
//! target.

use crate::{runner, t8n};
use lockstep_formats::t8n::inputs;
use lockstep_model::{Case, Outcome};

/// The outcome that the output of a transition tool states, asked about this case.
///
/// # Errors
/// When it states none.
pub fn transition(text: &str, case: &Case) -> Result<Outcome, String> {
    let inputs = inputs(case).map_err(|problem| problem.to_string())?;
    t8n::answer(text)?.outcome(case, &inputs).map_err(|problem| problem.to_string())
}

/// Whether the output of a runner says something, in the format of the shared interface and in that of revme.
///
/// # Errors
/// When it says nothing that is understood.
pub fn verdict(text: &str, is_revme: bool) -> Result<(), String> {
    let said = if is_revme { runner::revme(text) } else { runner::rows(text) };
    said.map(drop)
}
