//! States as the judge holds them: whole, in normal form, and their roots.

mod normal;
mod pre_state;
pub mod roots;

pub use normal::{NormalAccount, NormalChanges};
pub use pre_state::{PreState, storage_root};
