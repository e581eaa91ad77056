"""The partial orders: each turns events into clocked events, and knows nothing of pages."""
