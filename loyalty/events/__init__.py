"""What others are told: events written with the fact itself, delivered from the outbox."""
