/**
 * The GraphQL documents sent to Shopify, Admin API 2026-10. Page sizes keep each document's requested
 * cost below the 1,000 points that one query may ask for, counted as Shopify documents it: an object
 * costs 1, a connection 2 and then `first` times what it holds.
 */
export const SHOPIFY_API_VERSION = '2026-10';

const LINE_FIELDS = `
  id
  sku
  name
  quantity
  currentQuantity
  unfulfilledQuantity
  requiresShipping
  isGiftCard
  originalUnitPriceSet { shopMoney { amount } }`;

/** About 10 × 70 points. Orders of more than 20 lines are completed by `ORDER_LINES`. */
export const CHANGED_ORDERS = `
query ChangedOrders($query: String!, $after: String) {
  orders(first: 10, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      name
      createdAt
      processedAt
      updatedAt
      cancelledAt
      currencyCode
      displayFinancialStatus
      email
      phone
      note
      tags
      customAttributes { key value }
      currentTotalPriceSet { shopMoney { amount } }
      shippingLine { code title }
      shippingAddress {
        name
        company
        address1
        address2
        city
        provinceCode
        zip
        countryCodeV2
        phone
      }
      customer {
        id
        displayName
        defaultEmailAddress { emailAddress }
        defaultPhoneNumber { phoneNumber }
      }
      lineItems(first: 20) {
        pageInfo { hasNextPage endCursor }
        nodes {${LINE_FIELDS}
        }
      }
    }
  }
}`;

export const ORDER_LINES = `
query OrderLines($id: ID!, $after: String) {
  order(id: $id) {
    lineItems(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {${LINE_FIELDS}
      }
    }
  }
}`;

/** Who told the shop what so far. 100 is the most that `fulfillments`, which has no cursor, is asked for. */
export const ORDER_FULFILLMENTS = `
query OrderFulfillments($id: ID!) {
  order(id: $id) {
    id
    fulfillments(first: 100) {
      id
      status
      trackingInfo { number }
    }
  }
}`;

export const FULFILLMENT_LINES = `
query FulfillmentLines($id: ID!, $after: String) {
  fulfillment(id: $id) {
    fulfillmentLineItems(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { quantity lineItem { id } }
    }
  }
}`;

/** About 8 × 110 points. */
export const FULFILLMENT_ORDERS = `
query FulfillmentOrders($id: ID!, $after: String) {
  order(id: $id) {
    fulfillmentOrders(first: 8, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id
        status
        assignedLocation { location { id } }
        lineItems(first: 50) {
          pageInfo { hasNextPage endCursor }
          nodes { id remainingQuantity lineItem { id } }
        }
      }
    }
  }
}`;

export const FULFILLMENT_ORDER_LINES = `
query FulfillmentOrderLines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id remainingQuantity lineItem { id } }
    }
  }
}`;

export const CREATE_FULFILLMENT = `
mutation CreateFulfillment($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id }
    userErrors { field message }
  }
}`;

export const SET_QUANTITIES = `
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    userErrors { field message code }
  }
}`;

/** 250 items: about 750 points. */
export const READ_QUANTITIES = `
query ReadQuantities($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id
      inventoryLevel(locationId: $location) {
        quantities(names: ["available"]) { quantity }
      }
    }
  }
}`;
