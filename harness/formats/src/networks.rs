//! Public networks, and others by a geth-style genesis configuration: which rules hold for a block.

use alloy_primitives::{Address, B256, address, b256};
use lockstep_model::{BlobParams, Fork, MAINNET_DEPOSIT_CONTRACT, Rules};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name; the path of its configuration where it has none.
    pub name: Cow<'static, str>,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the genesis block, where it is known.
    pub genesis: Option<B256>,
    /// Forks by block number, in order.
    by_number: Vec<(u64, Fork)>,
    /// Forks by timestamp, in order.
    by_time: Vec<(u64, Fork)>,
    /// Blob parameters that differ from the fork's own, by timestamp, in order (EIP-7892).
    blobs: Vec<(u64, BlobParams)>,
    /// The contract whose logs are deposits (EIP-6110).
    pub deposit_contract: Address,
    /// The block of the DAO fork (EIP-779).
    dao_fork: Option<u64>,
}

/// Mainnet's blob-parameter-only forks; all public networks have the same two.
const BPO1: BlobParams = BlobParams { max: 15, update_fraction: 8_346_193 };
const BPO2: BlobParams = BlobParams { max: 21, update_fraction: 11_684_671 };

/// Activation times of Shanghai, Cancun, Prague, Osaka and the two blob-parameter-only forks.
type Times = [u64; 6];

/// A network that began with the rules of London, or proof of stake right away.
fn testnet(
    (name, chain_id, genesis): (&'static str, u64, B256),
    by_number: Vec<(u64, Fork)>,
    times: Times,
    deposit_contract: Address,
) -> Network {
    let [shanghai, cancun, prague, osaka, first, second] = times;
    Network {
        name: name.into(),
        chain_id,
        genesis: Some(genesis),
        by_number,
        by_time: vec![
            (shanghai, Fork::Shanghai),
            (cancun, Fork::Cancun),
            (prague, Fork::Prague),
            (osaka, Fork::Osaka),
        ],
        blobs: vec![(first, BPO1), (second, BPO2)],
        deposit_contract,
        dao_fork: None,
    }
}

/// The public networks. Fork times: the clients' genesis configurations.
static PUBLIC: LazyLock<[Arc<Network>; 4]> = LazyLock::new(|| {
    let mainnet = Network {
        dao_fork: Some(1_920_000),
        ..testnet(
            (
                "mainnet",
                1,
                b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"),
            ),
            vec![
                (0, Fork::Frontier),
                (1_150_000, Fork::Homestead),
                (2_463_000, Fork::Tangerine),
                (2_675_000, Fork::SpuriousDragon),
                (4_370_000, Fork::Byzantium),
                (7_280_000, Fork::Petersburg),
                (9_069_000, Fork::Istanbul),
                (12_244_000, Fork::Berlin),
                (12_965_000, Fork::London),
                (15_537_394, Fork::Paris),
            ],
            [
                1_681_338_455,
                1_710_338_135,
                1_746_612_311,
                1_764_798_551,
                1_765_290_071,
                1_767_747_671,
            ],
            MAINNET_DEPOSIT_CONTRACT,
        )
    };
    let mut sepolia = testnet(
        (
            "sepolia",
            11_155_111,
            b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9"),
        ),
        vec![(0, Fork::London), (1_450_409, Fork::Paris)],
        [1_677_557_088, 1_706_655_072, 1_741_159_776, 1_760_427_360, 1_761_017_184, 1_761_607_008],
        address!("7f02c3e3c98b133055b8b348b2ac625669ed295d"),
    );
    sepolia.by_time.push((1_791_294_816, Fork::Amsterdam));
    let holesky = testnet(
        (
            "holesky",
            17_000,
            b256!("b5f7f912443c940f21fd611f12828d75b534364ed9e95ca4e307729a4661bde4"),
        ),
        vec![(0, Fork::Paris)],
        [1_696_000_704, 1_707_305_664, 1_740_434_112, 1_759_308_480, 1_759_800_000, 1_760_389_824],
        address!("4242424242424242424242424242424242424242"),
    );
    let hoodi = testnet(
        (
            "hoodi",
            560_048,
            b256!("bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b"),
        ),
        vec![(0, Fork::Paris)],
        [0, 0, 1_742_999_832, 1_761_677_592, 1_762_365_720, 1_762_955_544],
        MAINNET_DEPOSIT_CONTRACT,
    );
    [mainnet, sepolia, holesky, hoodi].map(Arc::new)
});

impl Network {
    /// Ethereum's main network.
    pub fn mainnet() -> Arc<Self> {
        PUBLIC[0].clone()
    }

    /// The public network with this name.
    pub fn named(name: &str) -> Option<Arc<Self>> {
        PUBLIC.iter().find(|network| network.name == name).cloned()
    }

    /// The public network with this chain id.
    pub fn with_chain_id(chain_id: u64) -> Option<Arc<Self>> {
        PUBLIC.iter().find(|network| network.chain_id == chain_id).cloned()
    }

    /// A public network's name, or the path of a genesis configuration.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(name: &str) -> Result<Arc<Self>, String> {
        if let Some(network) = Self::named(name) {
            return Ok(network);
        }
        let names: Vec<&str> = PUBLIC.iter().map(|network| &*network.name).collect();
        let text = std::fs::read_to_string(Path::new(name)).map_err(|error| {
            format!("expected {} or a genesis file, found `{name}`: {error}", names.join(", "))
        })?;
        Self::from_genesis(name, &text)
            .map(Arc::new)
            .map_err(|problem| format!("{name}: {problem}"))
    }

    /// A network by its genesis file, as geth reads it: `{"config": {…}, …}`, or the configuration alone.
    ///
    /// # Errors
    /// When the text is no such configuration.
    pub fn from_genesis(name: &str, text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Genesis {
            config: Config,
        }
        let genesis = serde_json::from_str::<Genesis>(text).map(|genesis| genesis.config);
        let config = genesis.or_else(|_| serde_json::from_str::<Config>(text));
        let config = config.map_err(|error| {
            format!("expected a genesis configuration as geth reads it: {error}")
        })?;
        config.network(name)
    }

    /// The genesis file of a network that begins with these rules.
    pub fn all_at_once(rules: &Rules) -> serde_json::Value {
        let mut config = serde_json::json!({
            "chainId": rules.chain_id,
            "depositContractAddress": rules.deposit_contract,
        });
        let members = [
            ("homesteadBlock", Fork::Homestead),
            ("eip150Block", Fork::Tangerine),
            ("eip155Block", Fork::SpuriousDragon),
            ("eip158Block", Fork::SpuriousDragon),
            ("byzantiumBlock", Fork::Byzantium),
            ("constantinopleBlock", Fork::Constantinople),
            ("petersburgBlock", Fork::Petersburg),
            ("istanbulBlock", Fork::Istanbul),
            ("berlinBlock", Fork::Berlin),
            ("londonBlock", Fork::London),
            ("terminalTotalDifficulty", Fork::Paris),
            ("shanghaiTime", Fork::Shanghai),
            ("cancunTime", Fork::Cancun),
            ("pragueTime", Fork::Prague),
            ("osakaTime", Fork::Osaka),
            ("amsterdamTime", Fork::Amsterdam),
        ];
        for (name, _) in members.into_iter().filter(|(_, fork)| *fork <= rules.fork) {
            config[name] = 0.into();
        }
        if let Some(BlobParams { max, update_fraction }) = rules.blobs {
            let name = rules.fork.to_string().to_lowercase();
            config["blobSchedule"] = serde_json::json!({
                name: { "target": max / 2, "max": max, "baseFeeUpdateFraction": update_fraction },
            });
        }
        serde_json::json!({ "config": config })
    }

    /// The fork of a block.
    pub fn fork(&self, number: u64, timestamp: u64) -> Fork {
        let mut by_number = self.by_number.iter().filter(|(from, _)| number >= *from);
        let mut by_time = self.by_time.iter().filter(|(from, _)| timestamp >= *from);
        // Forks by time come after those by number.
        let last = by_time.next_back().or_else(|| by_number.next_back());
        last.map_or(Fork::Frontier, |(_, fork)| *fork)
    }

    /// The rules of a block.
    pub fn rules(&self, number: u64, timestamp: u64) -> Rules {
        let blobs = self.blobs.iter().rfind(|(from, _)| timestamp >= *from);
        Rules {
            chain_id: self.chain_id,
            blobs: blobs.map(|(_, params)| *params),
            dao_drain: self.dao_fork == Some(number),
            deposit_contract: self.deposit_contract,
            ..Rules::mainnet(self.fork(number, timestamp))
        }
    }
}

/// The `config` of a genesis file (geth, `params/config.go`). Numbers and times that are not there: never.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    chain_id: u64,
    homestead_block: Option<u64>,
    dao_fork_block: Option<u64>,
    #[serde(default)]
    dao_fork_support: bool,
    eip150_block: Option<u64>,
    eip158_block: Option<u64>,
    byzantium_block: Option<u64>,
    constantinople_block: Option<u64>,
    petersburg_block: Option<u64>,
    istanbul_block: Option<u64>,
    berlin_block: Option<u64>,
    london_block: Option<u64>,
    merge_netsplit_block: Option<u64>,
    terminal_total_difficulty: Option<serde_json::Number>,
    #[serde(default)]
    terminal_total_difficulty_passed: bool,
    shanghai_time: Option<u64>,
    cancun_time: Option<u64>,
    prague_time: Option<u64>,
    osaka_time: Option<u64>,
    bpo1_time: Option<u64>,
    bpo2_time: Option<u64>,
    bpo3_time: Option<u64>,
    bpo4_time: Option<u64>,
    bpo5_time: Option<u64>,
    amsterdam_time: Option<u64>,
    #[serde(default)]
    blob_schedule: BTreeMap<String, Blobs>,
    deposit_contract_address: Option<Address>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blobs {
    max: u64,
    base_fee_update_fraction: u64,
}

impl Config {
    fn network(&self, name: &str) -> Result<Network, String> {
        // Without a difficulty to reach, or with none, the chain has begun with proof of stake.
        let ends_at_once = self.terminal_total_difficulty.as_ref().is_some_and(|total| {
            total.as_u64() == Some(0) || self.terminal_total_difficulty_passed
        });
        let paris = self.merge_netsplit_block.or_else(|| ends_at_once.then_some(0));
        let by_number = [
            (Some(0), Fork::Frontier),
            (self.homestead_block, Fork::Homestead),
            (self.eip150_block, Fork::Tangerine),
            (self.eip158_block, Fork::SpuriousDragon),
            (self.byzantium_block, Fork::Byzantium),
            (self.constantinople_block, Fork::Constantinople),
            // Constantinople without Petersburg is Petersburg, as geth reads it.
            (self.petersburg_block.or(self.constantinople_block), Fork::Petersburg),
            (self.istanbul_block, Fork::Istanbul),
            (self.berlin_block, Fork::Berlin),
            (self.london_block, Fork::London),
            (paris, Fork::Paris),
        ];
        let by_time = [
            (self.shanghai_time, Fork::Shanghai),
            (self.cancun_time, Fork::Cancun),
            (self.prague_time, Fork::Prague),
            (self.osaka_time, Fork::Osaka),
            (self.amsterdam_time, Fork::Amsterdam),
        ];
        let blobs = [
            ("cancun", self.cancun_time),
            ("prague", self.prague_time),
            ("osaka", self.osaka_time),
            ("bpo1", self.bpo1_time),
            ("bpo2", self.bpo2_time),
            ("bpo3", self.bpo3_time),
            ("bpo4", self.bpo4_time),
            ("bpo5", self.bpo5_time),
            ("amsterdam", self.amsterdam_time),
        ];
        let blobs = blobs.into_iter().filter_map(|(name, from)| {
            let Blobs { max, base_fee_update_fraction } = *self.blob_schedule.get(name)?;
            Some((from?, BlobParams { max, update_fraction: base_fee_update_fraction }))
        });
        let mut blobs: Vec<_> = blobs.collect();
        blobs.sort_by_key(|(from, _)| *from);
        Ok(Network {
            name: name.to_owned().into(),
            chain_id: self.chain_id,
            genesis: None,
            by_number: in_order(by_number)?,
            by_time: in_order(by_time)?,
            blobs,
            deposit_contract: self.deposit_contract_address.unwrap_or(MAINNET_DEPOSIT_CONTRACT),
            dao_fork: self.dao_fork_block.filter(|_| self.dao_fork_support),
        })
    }
}

/// The forks that come, which must come in their order.
fn in_order<const N: usize>(forks: [(Option<u64>, Fork); N]) -> Result<Vec<(u64, Fork)>, String> {
    let known = forks.into_iter().filter_map(|(from, fork)| Some((from?, fork)));
    let known: Vec<(u64, Fork)> = known.collect();
    match known.windows(2).find(|pair| pair[0].0 > pair[1].0) {
        Some(pair) => Err(format!("expected {} after {}, found it before", pair[1].1, pair[0].1)),
        None => Ok(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_hardforks::{
        EthereumChainHardforks, EthereumHardfork, EthereumHardforks, ForkCondition,
    };

    /// Our table against that of another project.
    #[test]
    fn times_are_those_of_alloy() {
        let theirs = [
            ("mainnet", EthereumChainHardforks::mainnet()),
            ("sepolia", EthereumChainHardforks::sepolia()),
            ("holesky", EthereumChainHardforks::holesky()),
            ("hoodi", EthereumChainHardforks::hoodi()),
        ];
        let forks = [
            (EthereumHardfork::Shanghai, Fork::Shanghai),
            (EthereumHardfork::Cancun, Fork::Cancun),
            (EthereumHardfork::Prague, Fork::Prague),
            (EthereumHardfork::Osaka, Fork::Osaka),
        ];
        for (name, theirs) in theirs {
            let ours = Network::named(name).unwrap();
            for (theirs_fork, fork) in forks {
                let ForkCondition::Timestamp(time) = theirs.ethereum_fork_activation(theirs_fork)
                else {
                    panic!("{name}: {fork}");
                };
                assert_eq!(ours.fork(u64::MAX, time), ours.fork(u64::MAX, time + 1), "{name}");
                assert!(ours.fork(u64::MAX, time) >= fork, "{name}: {fork}");
                assert!(time == 0 || ours.fork(u64::MAX, time - 1) < fork, "{name}: {fork}");
            }
            for (bpo, params) in [(EthereumHardfork::Bpo1, BPO1), (EthereumHardfork::Bpo2, BPO2)] {
                let ForkCondition::Timestamp(time) = theirs.ethereum_fork_activation(bpo) else {
                    panic!("{name}: {bpo}");
                };
                assert_eq!(ours.rules(u64::MAX, time).blobs, Some(params), "{name}");
                assert_ne!(ours.rules(u64::MAX, time - 1).blobs, Some(params), "{name}");
            }
        }
    }

    #[test]
    fn a_block_has_the_rules_of_its_number_and_time() {
        let mainnet = Network::mainnet();
        assert_eq!(mainnet.fork(1_149_999, 0), Fork::Frontier);
        assert_eq!(mainnet.fork(15_537_394, 1_663_224_179), Fork::Paris);
        assert!(mainnet.rules(1_920_000, 0).dao_drain);
        let hoodi = Network::with_chain_id(560_048).unwrap();
        assert_eq!(hoodi.rules(1, 1).fork, Fork::Cancun);
        assert_eq!(hoodi.rules(1, 1).chain_id, 560_048);
    }

    #[test]
    fn a_genesis_file_of_geth_is_a_network() {
        let text = r#"{"config": {"chainId": 31337, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0,
            "shanghaiTime": 0, "cancunTime": 100,
            "blobSchedule": {"cancun": {"target": 1, "max": 2, "baseFeeUpdateFraction": 77}},
            "depositContractAddress": "0x4242424242424242424242424242424242424242"}, "alloc": {}}"#;
        let network = Network::from_genesis("mine.json", text).unwrap();
        assert_eq!((network.chain_id, network.fork(5, 99)), (31_337, Fork::Shanghai));
        let rules = network.rules(5, 100);
        assert_eq!(rules.fork, Fork::Cancun);
        assert_eq!(rules.blobs, Some(BlobParams { max: 2, update_fraction: 77 }));
        assert_eq!(rules.deposit_contract, Address::repeat_byte(0x42));
        let wrong = text.replace("\"shanghaiTime\": 0", "\"shanghaiTime\": 200");
        let problem = Network::from_genesis("mine.json", &wrong).unwrap_err();
        assert_eq!(problem, "expected Cancun after Shanghai, found it before");
        let problem = Network::parse("atlantis").unwrap_err();
        assert!(problem.starts_with("expected mainnet, sepolia, holesky, hoodi or"), "{problem}");
    }
}
