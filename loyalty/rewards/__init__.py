"""Rewards: what a milestone gave to a member, from the day it is granted until it is used or its time is up."""
