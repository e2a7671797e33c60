"""Partners take points for what lies outside the room: airlines, spas, exhibitions, clinics.

Partners and their offers are definitions with versions. What offers cost, who may have them and what they ask for are
pure rules; redemptions build on them.
"""
