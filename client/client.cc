#include "client/client.h"

#include <utility>

#include "client/internal/client_core.h"

namespace leat {

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  absl::StatusOr<std::shared_ptr<ClientCore>> core = ClientCore::Create(std::move(options));
  if (!core.ok()) return core.status();
  return std::unique_ptr<Client>(new Client(*std::move(core)));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  absl::StatusOr<std::unique_ptr<Client>> client = Create(std::move(options));
  if (!client.ok()) return client;
  if (absl::Status status = (*client)->Ready().Get(); !status.ok()) return status;
  return client;
}

Client::Client(std::shared_ptr<ClientCore> core) : core_(std::move(core)) {}

Client::~Client() { core_->Shutdown(); }

Future<absl::Status> Client::Ready() {
  Promise<absl::Status> promise;
  Future<absl::Status> future = promise.GetFuture();
  core_->Post([core = core_.get(), promise = std::move(promise)]() mutable {
    core->link().WhenReady(
        [promise = std::move(promise)](absl::Status status) mutable { promise.Set(std::move(status)); });
  });
  return future;
}

bool Client::OnIoThread() const { return core_->OnIoThread(); }

const ClientOptions& Client::options() const { return core_->options(); }

}  // namespace leat
