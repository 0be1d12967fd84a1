//! One part of several, for runs that are spread over machines.

use std::{ops::Range, str::FromStr};

/// One part of several: `slice:I/N`, I from 1, as nextest writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    index: usize,
    count: usize,
}

/// How many parts there are, where the cluster does not say it, or says something else when one part runs again.
const COUNT: &str = "LOCKSTEP_PARTITIONS";

/// Of a Slurm job array.
const SLURM: [&str; 4] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_COUNT",
];

/// Of a Kubernetes Job with completion mode Indexed.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

impl Partition {
    /// Whether what has this number is in the part.
    pub const fn contains(self, number: usize) -> bool {
        number % self.count == self.index
    }

    /// The part of so many numbers from `first` on. All parts together are all of them, each once, however many parts
    /// there are.
    pub fn range(self, first: u64, count: u64) -> Range<u64> {
        let at =
            |index: usize| first + (u128::from(count) * index as u128 / self.count as u128) as u64;
        at(self.index)..at(self.index + 1)
    }

    /// As a user says it: `slice:I/N`, or `env` for the part that a cluster gives to this process.
    ///
    /// # Errors
    /// When it says neither, or the variables of the cluster are not there or say nothing clear.
    pub fn named(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        if text == "env" { Self::of_cluster(variable) } else { text.parse() }
    }

    fn of_cluster(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| -> Result<Option<usize>, String> {
            let Some(text) = variable(name) else { return Ok(None) };
            let number = text.parse().map(Some);
            number.map_err(|_| format!("{name}: expected a number, found `{text}`"))
        };
        let stated = number(COUNT)?;
        let slurm = number(SLURM[0])?;
        let (name, index, count) = match (slurm, number(KUBERNETES)?) {
            (Some(_), Some(_)) => {
                return Err(format!("both {} and {KUBERNETES} are set", SLURM[0]));
            }
            (Some(id), None) if stated.is_none() => {
                let needed = |name: &str| number(name)?.ok_or_else(|| format!("{name} is not set"));
                let (least, most, count) =
                    (needed(SLURM[1])?, needed(SLURM[2])?, needed(SLURM[3])?);
                if least > 1 || most.checked_sub(least).map(|span| span + 1) != Some(count) {
                    return Err(format!(
                        "{}: tasks {least} to {most}, {count} of them, are a part of an array; set {COUNT} to the number \
                         of all, and count tasks from 0",
                        SLURM[0]
                    ));
                }
                (SLURM[0], id.wrapping_sub(least), Some(count))
            }
            (Some(id), None) => (SLURM[0], id, stated),
            (None, Some(index)) => (KUBERNETES, index, stated),
            (None, None) => {
                return Err(format!(
                    "env: neither {} (Slurm) nor {KUBERNETES} (Kubernetes) is set; `slice:I/N` says it by hand",
                    SLURM[0]
                ));
            }
        };
        let count = count.ok_or_else(|| {
            format!("{name} is set; set {COUNT} too, to the number of completions")
        })?;
        if index >= count {
            return Err(format!("{name} {index}: expected one of {count} parts, from 0 on"));
        }
        Ok(Self { index, count })
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("expected `slice:I/N` with 1 <= I <= N, or `env`, found `{text}`");
        let (index, count) = text
            .strip_prefix("slice:")
            .and_then(|numbers| numbers.split_once('/'))
            .ok_or_else(expected)?;
        let (index, count): (usize, usize) = index
            .parse()
            .and_then(|index| count.parse().map(|count| (index, count)))
            .map_err(|_| expected())?;
        if index == 0 || index > count {
            return Err(expected());
        }
        Ok(Self { index: index - 1, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_complete_and_disjoint() {
        let slices: Vec<Partition> =
            (1..=3).map(|index| format!("slice:{index}/3").parse().unwrap()).collect();
        for number in 0..100 {
            let inside = slices.iter().filter(|slice| slice.contains(number)).count();
            assert_eq!(inside, 1, "test {number}");
        }
    }

    #[test]
    fn ranges_are_complete_and_disjoint_for_any_number_of_parts() {
        for (first, numbers) in [(1, 100), (7, 3), (0, 0), (u64::MAX - 10, 10)] {
            for count in 1..=12 {
                let parts = (0..count).map(|index| Partition { index, count });
                let all: Vec<u64> = parts.flat_map(|part| part.range(first, numbers)).collect();
                assert_eq!(all, (first..first + numbers).collect::<Vec<_>>(), "{count}");
            }
        }
    }

    #[test]
    fn a_slice_out_of_range_is_refused() {
        for text in ["slice:0/3", "slice:4/3", "slice:1/0", "slice:a/3", "1/3", "hash:1/3"] {
            assert!(text.parse::<Partition>().unwrap_err().contains(text), "{text}");
        }
    }

    fn of(variables: &[(&str, &str)]) -> Result<Partition, String> {
        Partition::named("env", &|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_cluster_says_which_part() {
        let array = |id, least, most, count| {
            of(&[(SLURM[0], id), (SLURM[1], least), (SLURM[2], most), (SLURM[3], count)])
        };
        assert_eq!(array("2", "0", "3", "4"), Ok(Partition { index: 2, count: 4 }));
        assert_eq!(array("4", "1", "4", "4"), Ok(Partition { index: 3, count: 4 }));
        assert!(array("3", "3", "3", "1").unwrap_err().contains(COUNT), "one task again");
        assert!(array("6", "0", "6", "4").unwrap_err().contains(COUNT), "a step of two");
        assert_eq!(
            of(&[(SLURM[0], "3"), (COUNT, "4")]),
            Ok(Partition { index: 3, count: 4 }),
            "one task again, with the number of all"
        );
        assert_eq!(of(&[(KUBERNETES, "0"), (COUNT, "2")]), Ok(Partition { index: 0, count: 2 }));
    }

    #[test]
    fn what_a_cluster_leaves_open_is_refused() {
        assert!(of(&[]).unwrap_err().contains("slice:I/N"));
        assert!(of(&[(KUBERNETES, "0")]).unwrap_err().contains(COUNT));
        assert!(of(&[(KUBERNETES, "2"), (COUNT, "2")]).unwrap_err().contains("from 0 on"));
        assert!(of(&[(KUBERNETES, "x"), (COUNT, "2")]).unwrap_err().contains("`x`"));
        assert!(of(&[(KUBERNETES, "0"), (SLURM[0], "0")]).unwrap_err().contains("both"));
    }
}
