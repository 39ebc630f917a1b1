#!/bin/sh
# Registers what the Temporal UI filters stuck orders by; the list is the one of
# workflows/shared/search-attributes.ts, and a test keeps the two equal. TEMPORAL_ADDRESS says where.
set -eu
namespace="${TEMPORAL_NAMESPACE:-default}"
existing="$(temporal operator search-attribute list --namespace "$namespace")"
create() {
  if ! echo "$existing" | grep -qw "$1"; then
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type "$2"
  fi
}
create MerchantId Keyword
create OrderStatus Keyword
create BlockedReason Keyword
create BlockedSince Datetime
create ShipBy Datetime
create Channel Keyword
create WarehouseId Keyword
create TestOrder Bool
create WorkOrderStatus Keyword
