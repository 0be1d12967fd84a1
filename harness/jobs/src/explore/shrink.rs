//! A failing schedule with as few switches between workers as it takes (delta debugging; Zeller and Hildebrandt,
//! TSE 2002).

use super::strategy::Switch;

/// Leaves out of `all` what it can while `fails` still says yes, in at most so many tries. Returns what is left,
/// and the number of tries.
pub(super) fn fewest(
    all: Vec<Switch>,
    most_tries: u32,
    fails: &mut dyn FnMut(&[Switch]) -> bool,
) -> (Vec<Switch>, u32) {
    let (mut left, mut tries) = (all, 0);
    let mut chunk = left.len().max(1);
    loop {
        let mut at = 0;
        let before = left.len();
        while at < left.len() && tries < most_tries {
            let end = (at + chunk).min(left.len());
            let without: Vec<Switch> = left[..at].iter().chain(&left[end..]).copied().collect();
            tries += 1;
            if fails(&without) {
                left = without;
            } else {
                at = end;
            }
        }
        if tries >= most_tries || chunk == 1 && left.len() == before {
            return (left, tries);
        }
        chunk = if chunk == 1 { 1 } else { chunk.div_ceil(2) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(count: u32) -> Vec<Switch> {
        (0..count).map(|after| Switch { from: Some(0), after, to: 1 }).collect()
    }

    #[test]
    fn what_is_not_needed_goes() {
        let needed = [3, 17];
        let mut fails = |left: &[Switch]| {
            needed.iter().all(|after| left.iter().any(|switch| switch.after == *after))
        };
        let (left, tries) = fewest(switches(40), 500, &mut fails);
        assert_eq!(left.iter().map(|switch| switch.after).collect::<Vec<_>>(), needed);
        assert!(tries < 100, "{tries}");
        assert_eq!(fewest(switches(40), 500, &mut |_| true).0, []);
        assert_eq!(fewest(switches(5), 500, &mut |left| left.len() == 5).0, switches(5));
        assert_eq!(fewest(switches(40), 3, &mut fails).1, 3);
    }
}
