//! alloy and ethrex both bring Keccak's permutation from CRYPTOGAMS under the same name. One of the two is enough;
//! `main` checks that both sides hash alike.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Wl,--allow-multiple-definition");
}
