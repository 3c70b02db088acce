use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ServerProblem;

/// What of the server's certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verification {
    /// Nothing: the connection is encrypted, and whoever answers is believed to be the server.
    Nothing,
    /// That an authority has signed it.
    Authority(Roots),
    /// That an authority has signed it for the host of the address.
    Name(Roots),
}

/// Whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// The certificates in a PEM file.
    File(PathBuf),
    /// Those of the operating system.
    System,
}

/// Connects by TLS and verifies the server.
pub(super) fn connector(verification: Verification) -> Result<MakeRustlsConnect, ServerProblem> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (trusted, name) = match verification {
        Verification::Nothing => (None, false),
        Verification::Authority(roots) => (Some(Trusted::read(&roots)?), false),
        Verification::Name(roots) => (Some(Trusted::read(&roots)?), true),
    };
    let verifier = Verifier { trusted, name, provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| ServerProblem::Tls(error.to_string()))?;
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[derive(Debug)]
struct Trusted {
    roots: RootCertStore,
    /// The same as they are in the file: a server may have one of them itself.
    certificates: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn read(roots: &Roots) -> Result<Self, ServerProblem> {
        let (certificates, path) = match roots {
            Roots::System => (rustls_native_certs::load_native_certs().certs, PathBuf::from("the operating system")),
            Roots::File(path) => {
                let unusable = |why: String| ServerProblem::Certificates { path: path.clone(), why };
                let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
                let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
                (read.map_err(|error| unusable(error.to_string()))?, path.clone())
            }
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
        if added == 0 {
            return Err(ServerProblem::Certificates { path, why: "there are none".to_owned() });
        }
        Ok(Self { roots, certificates })
    }
}

#[derive(Debug)]
struct Verifier {
    /// `None`: nothing is verified.
    trusted: Option<Trusted>,
    /// Whether the certificate must be for the host.
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trusted) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        // A certificate that signed itself is no authority's, and is trusted if it is named.
        if !trusted.certificates.iter().any(|one| one == end_entity) {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &trusted.roots, intermediates, now, algorithms)?;
        }
        if self.name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
