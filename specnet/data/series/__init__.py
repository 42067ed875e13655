"""Series over time: their dates, their panel, and the windows that a forecast is learnt from."""
