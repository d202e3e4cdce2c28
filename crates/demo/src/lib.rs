//! A small procedural inspection data set in MVTec AD layout, for the demonstration and the tests.
