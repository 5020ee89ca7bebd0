//! What the command line asks of the running node of its data folder.

use serde_json::Value;

/// The running node, by its address and token.
pub struct Running {
    address: String,
    token: String,
    client: reqwest::Client,
}

impl Running {
    /// The node that listens at `address`.
    ///
    /// # Errors
    /// No client can be made.
    pub fn at(address: &str, token: String) -> Result<Self, reqwest::Error> {
        // The client wants a provider even where nothing is encrypted; one that is installed already is as good.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // A proxy of the environment is not asked for an address of this machine.
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { address: format!("http://{address}/api/v1"), token, client })
    }

    /// A link that opens the node's page once.
    ///
    /// # Errors
    /// The node does not answer, or the token is not its own.
    pub async fn link(&self) -> Result<String, reqwest::Error> {
        let asked = self.client.post(format!("{}/session/link", self.address)).bearer_auth(&self.token);
        let answer: Value = asked.send().await?.error_for_status()?.json().await?;
        Ok(answer["link"].as_str().unwrap_or_default().to_owned())
    }

    /// What the node holds, as a bundle.
    ///
    /// # Errors
    /// As for [`Running::link`].
    pub async fn export(&self) -> Result<Vec<u8>, reqwest::Error> {
        let asked = self.client.get(format!("{}/bundle", self.address)).bearer_auth(&self.token);
        Ok(asked.send().await?.error_for_status()?.bytes().await?.into())
    }

    /// Gives the node a bundle; its answer, or what it says against it.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn import(&self, file: Vec<u8>) -> Result<Value, reqwest::Error> {
        let asked = self.client.post(format!("{}/bundle", self.address)).bearer_auth(&self.token).body(file);
        asked.send().await?.json().await
    }
}
