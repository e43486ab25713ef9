"""What a user's next message, event or silence says about an answer: one module a kind of sign."""
