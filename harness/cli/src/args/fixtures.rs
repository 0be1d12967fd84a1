//! `lockstep fixtures`.

use clap::Args;

pub(super) const PULL_ABOUT: &str = "\
Fetches an official release into ethereum-tests/, where `lockstep check` without a PATH finds it. The \
releases and their digests are those of ethereum-tests/manifest.toml, or those that Lockstep was built with \
where there is none; any other archive is fetched by its address and its digest. What has another digest is \
not kept. A transfer that was cut off goes on where it was.";

const PULL_EXAMPLES: &str = "\
Examples:
  lockstep fixtures pull                          the first release of the manifest
  lockstep fixtures pull v5.1.0                   another one
  lockstep fixtures pull v5.1.0 --from ~/mirror   from a folder that holds its file
  lockstep fixtures pull v5.1.0 --from http://127.0.0.1:8000/
  lockstep fixtures pull https://example.org/fixtures.tar.gz --sha256 HEX";

#[derive(Debug, Args)]
#[command(after_help = PULL_EXAMPLES)]
pub(crate) struct PullArgs {
    /// A release of the manifest, or the address of an archive [default: the first release]
    #[arg(value_name = "RELEASE|URL")]
    pub(crate) release: Option<String>,

    /// The SHA-256 of the archive at URL, in hexadecimal
    #[arg(long, value_name = "HEX", requires = "release")]
    pub(crate) sha256: Option<String>,

    /// Another place to fetch it from: a folder, a file or an address
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: Option<String>,
}
