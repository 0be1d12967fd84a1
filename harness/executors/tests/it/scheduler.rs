//! Seeds drive the scheduler through task interleavings that threads would rarely produce.

use crate::simulation::{Hand, Program, Simulation, run, sequential};
use lockstep_executors::block_stm::scheduler::{Claims, Scheduler, Task, Version};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[test]
fn every_interleaving_gives_the_sequential_outcome() {
    let mut re_executed = 0;
    for seed in 0..25_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut choose = |end: usize| random.random_range(0..end);
        let cells = 1 + choose(11);
        let count = choose(20);
        let programs: Vec<Program> =
            (0..count).map(|_| Program::choose(&mut choose, cells)).collect();
        let expected = sequential(&programs, cells);
        for _ in 0..4 {
            let (memory, executions) = run(&programs, cells, &mut choose);
            assert_eq!(memory, expected, "seed {seed}");
            assert!(executions >= programs.len());
            re_executed += executions - programs.len();
        }
    }
    assert!(re_executed > 1_000, "the interleavings are too tame: {re_executed} re-executions");
}

#[test]
fn one_worker_executes_everything_once() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut choose = |end: usize| random.random_range(0..end);
    let programs: Vec<Program> = (0..50).map(|_| Program::choose(&mut choose, 5)).collect();
    let mut simulation = Simulation::new(&programs, Claims::single());
    let mut hand = Hand::default();
    while simulation.step(&mut hand) == Some(true) {}
    assert!(simulation.scheduler.is_done());
    assert_eq!(simulation.executions, programs.len());
    assert_eq!(simulation.scheduler.committed(), programs.len());
}

#[test]
fn an_empty_block_is_done_at_once() {
    assert_eq!(Scheduler::new(0, Claims::single()).next_task(), Task::Done);
}

#[test]
fn a_halted_block_hands_out_nothing_more() {
    let mut scheduler = Scheduler::new(3, Claims::single());
    assert!(matches!(scheduler.next_task(), Task::Execute(_)));
    scheduler.halt();
    assert_eq!(scheduler.next_task(), Task::Done);
}

/// One of two workers waits only if there is no other task; one of more always does. No worker waits for a transaction that
/// is not being executed.
#[test]
fn who_waits_in_the_middle_of_an_execution() {
    let begun = |workers| {
        let mut scheduler = Scheduler::new(3, Claims { workers, ..Claims::single() });
        let tasks = [scheduler.next_task(), scheduler.next_task()];
        assert!(tasks.iter().all(|task| matches!(task, Task::Execute(_))));
        scheduler
    };
    assert!(!begun(2).lets_wait(1, 0), "transaction 2 can be executed meanwhile");
    assert!(begun(3).lets_wait(1, 0));
    for workers in [2, 3] {
        let mut scheduler = begun(workers);
        assert!(!scheduler.lets_wait(2, 1) || workers == 3);
        let Task::Execute(last) = scheduler.next_task() else { panic!("transaction 2") };
        assert!(scheduler.lets_wait(1, 0), "there is nothing else to do");
        scheduler.finish_execution(last.first, false);
        let first = Version { transaction: 0, incarnation: 0 };
        scheduler.finish_execution(first, false);
        assert!(!scheduler.lets_wait(1, 0), "it has ended");
    }
}
